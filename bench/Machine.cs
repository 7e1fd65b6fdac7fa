using System.Runtime.InteropServices;

namespace CniPlugins.Bench;

/// <summary>What a reader must know of the machine that figures come from.</summary>
internal static class Machine
{
    /// <summary>Date, kernel, processor, and how busy it is.</summary>
    public static string Describe()
    {
        string processor = File.ReadLines("/proc/cpuinfo").FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal))
            ?.Split(':', 2)[1].Trim() ?? $"{RuntimeInformation.OSArchitecture}";
        string load = string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]);
        return $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC; Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}; "
            + $"{Environment.ProcessorCount} × {processor}; load {load}";
    }
}
