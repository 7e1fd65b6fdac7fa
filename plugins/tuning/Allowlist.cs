using System.Text;
using CniPlugins.Cni;
using CniPlugins.Linux;

namespace CniPlugins.Plugins.Tuning;

/// <summary>The host's list of kernel parameters that may be set: one pattern a line, compared with the key as the configuration has it.</summary>
internal static class Allowlist
{
    private const int LargestFile = 1 << 20;

    /// <summary>Refuses keys that no line allows; without a file every key is allowed.</summary>
    /// <exception cref="CniException">A key is not allowed, or a line is not understood (7).</exception>
    public static void Require(IReadOnlyList<SysctlSetting> sysctls, string path)
    {
        if (sysctls.Count == 0 || !Path.Exists(path))
        {
            return;
        }

        byte[] text = StateFiles.FindContent(path, LargestFile) ?? throw Invalid($"{path} is no regular file of at most {LargestFile} bytes: that is no list of patterns");
        List<AllowPattern> patterns = [];
        int number = 0;
        foreach (string line in Encoding.UTF8.GetString(text).Split('\n'))
        {
            number++;
            if (line.Trim() is { Length: > 0 } pattern)
            {
                patterns.Add(Parse(pattern, path, number));
            }
        }

        foreach (SysctlSetting sysctl in sysctls)
        {
            if (!patterns.Exists(pattern => pattern.IsMatch(sysctl.Key)))
            {
                throw Invalid($"sysctl {sysctl.Key} is not allowed on this host: add it to {path}, or leave it out");
            }
        }
    }

    // A line that is left out could be the one that somebody relies on: nothing is set then.
    private static AllowPattern Parse(string pattern, string path, int number)
    {
        try
        {
            return AllowPattern.Parse(pattern);
        }
        catch (FormatException e)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"line {number} of {path}, \"{pattern}\", is not understood: write it without {e.Message}", e.Message, e);
        }
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
