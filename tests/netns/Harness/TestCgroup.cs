using System.Globalization;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>
/// A cgroup for this process and the programs it starts, so that what the plugins attach is attached there and not at the machine's root, and goes with it.
/// Those that killed processes left are removed by the next one.
/// </summary>
internal static class TestCgroup
{
    private const string Prefix = "cni-plugins-test-";

    private static readonly Lazy<string> s_path = new(Create);

    /// <summary>Its path, which hosts see as well.</summary>
    internal static string Path => s_path.Value;

    private static string Root => new[] { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" }.First(static path => File.Exists(path + "/cgroup.procs")
        && File.Exists(path + "/cgroup.controllers"));

    private static string Create()
    {
        foreach (string left in Directory.GetDirectories(Root, Prefix + "*"))
        {
            TryRemove(left);
        }

        string path = Directory.CreateDirectory($"{Root}/{Prefix}{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}").FullName;
        string before = Root + File.ReadAllLines("/proc/self/cgroup").First(static line => line.StartsWith("0::", StringComparison.Ordinal))[3..].TrimEnd('/');
        Enter(path);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            Enter(before);
            TryRemove(path);
        };
        return path;
    }

    private static void Enter(string path) =>
        File.WriteAllText(path + "/cgroup.procs", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));

    private static void TryRemove(string path)
    {
        try
        {
            Directory.Delete(path);
        }
        catch (IOException)
        {
            // Processes are in it: its own, which lives, or one that it left.
        }
    }
}
