namespace CniPlugins.Linux;

/// <summary>The identity of the running kernel's boot: what was made under another one no longer exists.</summary>
public static class BootId
{
    private static readonly Lazy<string> s_current = new(static () => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim());

    /// <summary>The text of /proc/sys/kernel/random/boot_id, a lower-case UUID.</summary>
    public static string Current => s_current.Value;
}
