using System.Text;

namespace CniPlugins.Linux;

/// <summary>The identity of the running kernel's boot: what was made under another one no longer exists.</summary>
public static class BootId
{
    private const string Path = "/proc/sys/kernel/random/boot_id";

    private static string? s_current;

    /// <summary>The text of /proc/sys/kernel/random/boot_id, a lower-case UUID.</summary>
    /// <exception cref="LinuxException">/proc is not there.</exception>
    public static string Current => s_current ??= Read();

    private static string Read()
    {
        byte[] text = StateFiles.FindContent(Path, 128) ?? throw new LinuxException("read", Path, Errno.EINVAL);
        return Encoding.ASCII.GetString(text).Trim();
    }
}
