using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Ipvlan;

/// <summary>An ipvlan network's configuration. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record IpvlanConfig
{
    /// <summary>What it hangs on.</summary>
    public required MasterRequest Master { get; init; }

    /// <summary>Mode and flag.</summary>
    public required IpvlanKind Kind { get; init; }

    /// <summary>Whether addresses come from the plugin before this one.</summary>
    public bool KeepsAddresses { get; init; }

    /// <summary>Whether the host and the containers reach each other.</summary>
    public bool HostAccess { get; init; }

    /// <summary>Which addresses are tried before they are used.</summary>
    public DuplicateDetection Detection { get; init; }

    /// <summary>What is to be published.</summary>
    public required PublishRequest Publish { get; init; }

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7).</exception>
    public static IpvlanConfig Read(CniRequest request, HostSettings settings)
    {
        ConfigObject root = request.Config.Root;
        AddResult? previous = request.Config.PrevResult;
        bool hasIpam = !string.IsNullOrEmpty(request.Config.Ipam?.FindString("type"));
        IpvlanConfig config = new()
        {
            Master = ReadMaster(root, previous),
            Kind = new IpvlanKind(ReadMode(root), ReadFlag(root)),
            KeepsAddresses = !hasIpam && previous?.Ips.Count > 0,
            HostAccess = root.FindBool("hostAccess") ?? false,
            Detection = DuplicateDetectionText.Read(root, DuplicateDetection.Ipv6),
            Publish = PublishRequest.Read(request, settings),
        };
        if (!config.KeepsAddresses)
        {
            InterfaceKeys.RequireIpam(request);
        }

        config.RequireSense();
        return config;
    }

    /// <summary>Behind another plugin, its one interface is the master.</summary>
    private static MasterRequest ReadMaster(ConfigObject root, AddResult? previous)
    {
        MasterRequest master = MasterRequest.Read(root);
        return master.Name is null && previous?.Interfaces is [ResultInterface only] && string.IsNullOrEmpty(only.Sandbox)
            ? master with { Name = only.Name }
            : master;
    }

    private static IPVLAN_MODE ReadMode(ConfigObject root) => root.FindString("mode") switch
    {
        null or "" or "l2" => IPVLAN_MODE.L2,
        "l3" => IPVLAN_MODE.L3,
        "l3s" => IPVLAN_MODE.L3S,
        string other => throw Invalid($"mode is \"{other}\": set it to \"l2\", \"l3\" or \"l3s\""),
    };

    private static IPVLAN_F ReadFlag(ConfigObject root) => root.FindString("flag") switch
    {
        null or "" or "bridge" => IPVLAN_F.BRIDGE,
        "private" => IPVLAN_F.PRIVATE,
        "vepa" => IPVLAN_F.VEPA,
        string other => throw Invalid($"flag is \"{other}\": set it to \"bridge\", \"private\" or \"vepa\""),
    };

    private void RequireSense()
    {
        if (HostAccess && (Kind.Flags != IPVLAN_F.BRIDGE || Master.InContainer))
        {
            throw Invalid("hostAccess needs the flag \"bridge\" and a master of the host: the host is a station like the containers then");
        }

        if (Publish.Ports.Count > 0 && !HostAccess)
        {
            throw Invalid("ports cannot be published: this host does not reach an ipvlan on its own interface; set \"hostAccess\": true");
        }
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
