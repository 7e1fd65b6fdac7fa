using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Macvlan;

/// <summary>A macvlan network's configuration. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record MacvlanConfig
{
    /// <summary>What it hangs on.</summary>
    public required MasterRequest Master { get; init; }

    /// <summary>Mode and what belongs to it.</summary>
    public required MacvlanKind Kind { get; init; }

    /// <summary>Null: random.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>Whether the host and the containers reach each other.</summary>
    public bool HostAccess { get; init; }

    /// <summary>Which addresses are tried before they are used.</summary>
    public DuplicateDetection Detection { get; init; }

    /// <summary>What is to be published.</summary>
    public required PublishRequest Publish { get; init; }

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7), or CNI_ARGS (4).</exception>
    public static MacvlanConfig Read(CniRequest request, HostSettings settings)
    {
        ConfigObject root = request.Config.Root;
        MacvlanConfig config = new()
        {
            Master = MasterRequest.Read(root),
            Kind = ReadKind(root),
            Mac = InterfaceKeys.ReadMac(request),
            HostAccess = root.FindBool("hostAccess") ?? false,
            Detection = DuplicateDetectionText.Read(root, DuplicateDetection.Ipv6),
            Publish = PublishRequest.Read(request, settings),
        };
        config.RequireSense(hasIpam: !string.IsNullOrEmpty(request.Config.Ipam?.FindString("type")));
        return config;
    }

    private static MacvlanKind ReadKind(ConfigObject root)
    {
        MACVLAN_MODE mode = ReadMode(root);
        bool noPromiscuity = root.FindBool("nopromisc") ?? false;
        IReadOnlyList<MacAddress> sources = ReadSources(root);
        if (noPromiscuity && mode != MACVLAN_MODE.PASSTHRU)
        {
            throw Invalid("nopromisc belongs to the mode \"passthru\": the others do not make the master promiscuous");
        }

        if ((sources.Count > 0) != (mode == MACVLAN_MODE.SOURCE))
        {
            throw Invalid("the mode \"source\" and the list \"sources\" belong together: the interface takes frames from those addresses only");
        }

        return new MacvlanKind
        {
            Mode = mode,
            Flags = noPromiscuity ? MACVLAN_FLAG.NOPROMISC : MACVLAN_FLAG.NONE,
            BroadcastQueueLength = (uint?)root.FindInt64("bcqueuelen", 0, uint.MaxValue) is uint length and not 0 ? length : null,
            BroadcastCutoff = root.FindInt32("bclim"),
            Sources = sources,
        };
    }

    private static MACVLAN_MODE ReadMode(ConfigObject root) => root.FindString("mode") switch
    {
        null or "" or "bridge" => MACVLAN_MODE.BRIDGE,
        "private" => MACVLAN_MODE.PRIVATE,
        "vepa" => MACVLAN_MODE.VEPA,
        "passthru" => MACVLAN_MODE.PASSTHRU,
        "source" => MACVLAN_MODE.SOURCE,
        string other => throw Invalid($"mode is \"{other}\": set it to \"bridge\", \"private\", \"vepa\", \"passthru\" or \"source\""),
    };

    private static List<MacAddress> ReadSources(ConfigObject root)
    {
        List<MacAddress> sources = [];
        foreach (string text in root.FindStrings("sources") ?? [])
        {
            sources.Add(MacAddress.TryParse(text, out MacAddress mac) && mac.IsUnicast
                ? mac
                : throw Invalid($"{root.PathOf("sources")} has \"{text}\": give six octets such as 02:42:0a:00:00:05, the first one even"));
        }

        return sources;
    }

    private void RequireSense(bool hasIpam)
    {
        if (HostAccess && (Kind.Mode != MACVLAN_MODE.BRIDGE || Master.InContainer || !hasIpam))
        {
            throw Invalid("hostAccess needs the mode \"bridge\", a master of the host, and an ipam section: the host is a station like the containers then, and routes to their addresses");
        }

        if (Publish.Ports.Count > 0 && !HostAccess)
        {
            throw Invalid("ports cannot be published: this host does not reach a macvlan on its own interface; set \"hostAccess\": true");
        }
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
