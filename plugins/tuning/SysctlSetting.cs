using CniPlugins.Cni;
using CniPlugins.Linux;

namespace CniPlugins.Plugins.Tuning;

/// <summary>A kernel parameter of the container's namespace.</summary>
/// <param name="Key">As the configuration has it.</param>
/// <param name="Name">Its path below /proc/sys.</param>
/// <param name="Value">What it is to be.</param>
public sealed record SysctlSetting(string Key, string Name, string Value)
{
    private const string Root = "net/";
    private const string Placeholder = "IFNAME";

    /// <summary>Reads <c>sysctl</c>, and what <c>args.cni</c> has in its place or on top.</summary>
    /// <exception cref="CniException">A key is wrong or there twice (7), a value no string (6).</exception>
    public static IReadOnlyList<SysctlSetting> Read(ConfigObject? configured, ConfigObject? arguments, string ifName)
    {
        List<SysctlSetting> settings = ReadAll(configured, ifName);
        foreach (SysctlSetting argument in ReadAll(arguments, ifName))
        {
            settings.RemoveAll(each => each.Name == argument.Name);
            settings.Add(argument);
        }

        return settings;
    }

    /// <summary>Whether a name from a record is one that this plugin may have set.</summary>
    public static bool IsName(string name) =>
        name.StartsWith(Root, StringComparison.Ordinal) && !name.Any(char.IsControl) && !name.Split('/').Any(static part => part is "" or "." or "..");

    /// <summary>Whether the kernel's text says the same: some parameters answer with tabs between numbers.</summary>
    public bool IsSame(string found) =>
        Value == found || Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).SequenceEqual(found.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    /// <summary>Sets it, in the namespace of the calling thread.</summary>
    /// <exception cref="CniException">There is no such parameter, or the kernel takes no such value (7).</exception>
    public void Set()
    {
        try
        {
            Sysctl.Set(Name, Value);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.EINVAL or Errno.EACCES or Errno.EPERM)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"sysctl {Key} cannot be set to \"{Value}\": correct it, or leave it out", e.Message, e);
        }
    }

    private static List<SysctlSetting> ReadAll(ConfigObject? map, string ifName)
    {
        List<SysctlSetting> settings = [];
        foreach (string key in map?.Keys ?? [])
        {
            string name = PathOf(map!, key);

            // Once only: an interface may be called IFNAME too.
            int at = name.IndexOf(Placeholder, StringComparison.Ordinal);
            name = at < 0 ? name : string.Concat(name.AsSpan(0, at), ifName, name.AsSpan(at + Placeholder.Length));
            if (settings.Exists(each => string.Equals(each.Name, name, StringComparison.OrdinalIgnoreCase)))
            {
                throw Invalid($"{map!.PathOf(key)} is there twice: leave one out");
            }

            settings.Add(new SysctlSetting(key, name, map!.FindString(key) ?? throw Invalid($"{map.PathOf(key)} is null: set it to a string")));
        }

        return settings;
    }

    /// <summary>As sysctl(8) reads it: with a slash first, slashes separate and dots are letters; with a dot first it is the other way round.</summary>
    private static string PathOf(ConfigObject map, string key)
    {
        string name = key.TrimStart('/');
        int first = name.AsSpan().IndexOfAny('.', '/');
        if (first >= 0 && name[first] == '.')
        {
            name = string.Create(name.Length, name, static (swapped, text) =>
            {
                for (int i = 0; i < text.Length; i++)
                {
                    swapped[i] = text[i] switch { '.' => '/', '/' => '.', char c => c };
                }
            });
        }

        return IsName(name) ? name : throw Invalid($"{map.PathOf(key)} is no parameter of a container's network: only those below net. are set, such as net.ipv4.conf.IFNAME.arp_filter");
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
