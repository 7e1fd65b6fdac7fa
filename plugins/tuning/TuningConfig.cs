using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;

namespace CniPlugins.Plugins.Tuning;

/// <summary>What is to be set. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record TuningConfig
{
    /// <summary>Kernel parameters of the container.</summary>
    public required IReadOnlyList<SysctlSetting> Sysctls { get; init; }

    /// <summary>Settings of the interface.</summary>
    public required LinkSettings Link { get; init; }

    /// <summary>Where the reference would note what was there before.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Reads and checks everything; null when nothing is to be set. What <c>args.cni</c> has counts most.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7), or CNI_ARGS (4).</exception>
    public static TuningConfig? Read(CniRequest request)
    {
        ConfigObject root = request.Config.Root;
        ConfigObject Source(string key) => request.Config.ArgsCni is { } arguments && arguments.Has(key) ? arguments : root;
        TuningConfig config = new()
        {
            Sysctls = SysctlSetting.Read(root.FindObject("sysctl"), request.Config.ArgsCni?.FindObject("sysctl"), request.Attachment.IfName),
            DataDirectory = FindDataDirectory(root) ?? throw Invalid($"dataDir is \"{root.FindString("dataDir")}\": set it to an absolute path"),
            Link = new LinkSettings
            {
                Mac = ReadMac(request),
                Promiscuous = Source("promisc").FindBool("promisc") == true ? true : null,   // false leaves it alone, as the reference does
                Mtu = InterfaceKeys.ReadMtu(Source("mtu")),
                AllMulticast = Source("allmulti").FindBool("allmulti"),
                TxQueueLength = (uint?)Source("txQLen").FindInt32("txQLen", 0),
            },
        };
        return config.Sysctls.Count == 0 && config.Link.IsEmpty ? null : config;
    }

    /// <summary><c>dataDir</c>; null when it is no absolute path.</summary>
    /// <exception cref="CniException">It is no string (6).</exception>
    public static string? FindDataDirectory(ConfigObject root) => root.FindString("dataDir") switch
    {
        null or "" => ReferenceBackup.DefaultDirectory,
        string path => Path.IsPathFullyQualified(path) ? path : null,
    };

    /// <summary>Another order than bridge's, which is the reference's: args.cni, then runtimeConfig, then CNI_ARGS, then the key.</summary>
    private static MacAddress? ReadMac(CniRequest request)
    {
        request.Args.RequireKnown("MAC", "IP", "GATEWAY");
        string? text = request.Config.ArgsCni?.FindString("mac");
        foreach (string? next in (string?[])[request.Config.RuntimeConfig?.FindString("mac"), request.Args.Find("MAC"), request.Config.Root.FindString("mac")])
        {
            text ??= string.IsNullOrEmpty(next) ? null : next;
        }

        return string.IsNullOrEmpty(text) ? null : InterfaceKeys.ParseMac(text);
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
