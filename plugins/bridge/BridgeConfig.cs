using System.Net;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Plugins.Bridge;

/// <summary>A bridge network's configuration. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record BridgeConfig
{
    private const int HighestVlan = 4094;

    public required string BridgeName { get; init; }

    public bool IsGateway { get; init; }

    public bool IsDefaultGateway { get; init; }

    public bool ForceAddress { get; init; }

    public bool Masquerade { get; init; }

    /// <summary>Null: the kernel's choice.</summary>
    public int? Mtu { get; init; }

    public bool Hairpin { get; init; }

    public bool Promiscuous { get; init; }

    /// <summary>0: none.</summary>
    public int Vlan { get; init; }

    /// <summary>Null: no trunk.</summary>
    public IReadOnlyList<VlanRange>? Trunk { get; init; }

    public bool PreserveDefaultVlan { get; init; }

    public bool SpoofCheck { get; init; }

    /// <summary>The check of what is in the frames too. Never without <see cref="SpoofCheck"/>.</summary>
    public bool SourceCheck { get; init; }

    public DuplicateDetection Detection { get; init; }

    public bool ContainerInterfaceDown { get; init; }

    public bool PortIsolation { get; init; }

    public Isolation Isolation { get; init; }

    /// <summary>No way out. Never without isolation, nor with masquerade.</summary>
    public bool Internal { get; init; }

    /// <summary>Whether its containers reach each other.</summary>
    public bool IntraNetwork { get; init; } = true;

    /// <summary>What the containers show outside, at most one of each family; empty: the kernel's choice.</summary>
    public IReadOnlyList<IPAddress> Outbound { get; init; } = [];

    /// <summary>Null: random.</summary>
    public MacAddress? Mac { get; init; }

    public required PublishRequest Publish { get; init; }

    /// <summary>Whether ports are told apart by VLAN. A trunk without VLANs counts.</summary>
    public bool HasVlans => Vlan != 0 || Trunk is not null;

    /// <summary>Whether the container's port does not talk to others of its kind.</summary>
    public bool IsolatesPort => PortIsolation || !IntraNetwork;

    /// <summary>Whether nobody beyond the network has reason to write a container's address on a packet.</summary>
    public bool IsEnclosed => Isolation == Isolation.Full && (Masquerade || Internal);

    /// <summary>The host's interface that carries the gateway addresses.</summary>
    public string GatewayDevice => Vlan != 0 && IsGateway ? $"{BridgeName}.{Vlan}" : BridgeName;

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7), or CNI_ARGS (4).</exception>
    public static BridgeConfig Read(CniRequest request, HostSettings settings)
    {
        ConfigObject root = request.Config.Root;
        bool isDefaultGateway = root.FindBool("isDefaultGateway") ?? false;
        bool isInternal = root.FindBool("internal") ?? false;
        bool sourceCheck = root.FindBool("ipspoofchk") ?? false;
        BridgeConfig config = new()
        {
            BridgeName = ReadName(root),
            IsDefaultGateway = isDefaultGateway,
            IsGateway = isDefaultGateway || (root.FindBool("isGateway") ?? false),
            ForceAddress = root.FindBool("forceAddress") ?? false,
            Masquerade = root.FindBool("ipMasq") ?? false,
            Mtu = InterfaceKeys.ReadMtu(root),
            Hairpin = root.FindBool("hairpinMode") ?? false,
            Promiscuous = root.FindBool("promiscMode") ?? false,
            Vlan = root.FindInt32("vlan", 0, HighestVlan) ?? 0,
            Trunk = VlanTrunk.Read(root),
            PreserveDefaultVlan = root.FindBool("preserveDefaultVlan") ?? false,
            SpoofCheck = (root.FindBool("macspoofchk") ?? false) || sourceCheck,
            SourceCheck = sourceCheck,
            Detection = DuplicateDetectionText.Read(root, root.FindBool("enabledad") == true ? DuplicateDetection.Ipv6 : DuplicateDetection.None),
            ContainerInterfaceDown = root.FindBool("disableContainerInterface") ?? false,
            PortIsolation = root.FindBool("portIsolation") ?? false,
            Isolation = IsolationText.Read(root) ?? (isInternal ? Isolation.Full : settings.Isolation ?? Isolation.None),
            Internal = isInternal,
            IntraNetwork = root.FindBool("icc") ?? true,
            Outbound = OutboundAddresses.Read(root),
            Mac = InterfaceKeys.ReadMac(request),
            Publish = PublishRequest.Read(request, settings),
        };
        InterfaceKeys.RequireBackend(root, "ipMasqBackend");
        bool hasIpam = !string.IsNullOrEmpty(request.Config.Ipam?.FindString("type"));
        config.RequireSense(hasIpam);
        config.RequirePolicy(hasIpam);
        return config;
    }

    private void RequireSense(bool hasIpam)
    {
        if (Hairpin && Promiscuous)
        {
            throw Invalid("hairpinMode and promiscMode exclude each other: a frame would come back to its sender twice; choose one");
        }

        if (ContainerInterfaceDown && hasIpam)
        {
            throw Invalid("disableContainerInterface leaves the interface down, so it can have no addresses: remove it, or the ipam section");
        }

        if (CniNames.FindInterfaceNameFault(GatewayDevice) is string fault)
        {
            throw Invalid($"the interface for the gateway of VLAN {Vlan} would be called \"{GatewayDevice}\", {fault}: give the bridge a shorter name");
        }

        if (Publish.Ports.Count > 0 && !hasIpam)
        {
            throw Invalid("ports cannot be published without an address: add an ipam section, or do not ask for portMappings");
        }
    }

    private void RequirePolicy(bool hasIpam)
    {
        if (Internal && Isolation == Isolation.None)
        {
            throw Invalid("internal is a network without a way out or in, and isolation \"none\" opens it: remove one of the two keys");
        }

        if (Internal && Masquerade)
        {
            throw Invalid("internal is a network without a way out, and ipMasq makes one: remove one of the two keys");
        }

        if (SourceCheck && Trunk is not null)
        {
            throw Invalid("ipspoofchk lets no tagged frame pass, and vlanTrunk asks for them: remove one of the two keys");
        }

        if (SourceCheck && !hasIpam)
        {
            throw Invalid("ipspoofchk ties the container to its addresses, and it has none: add an ipam section, or use macspoofchk");
        }

        if (Outbound.Count > 0 && !Masquerade)
        {
            throw Invalid("outboundAddress takes the place of the host's address in ipMasq, which is off: set \"ipMasq\": true, or remove the key");
        }
    }

    private static string ReadName(ConfigObject root)
    {
        string? name = root.FindString("bridge");
        if (string.IsNullOrEmpty(name))
        {
            return "cni0";
        }

        return CniNames.FindInterfaceNameFault(name) is string fault
            ? throw Invalid($"bridge \"{name}\" is no name for an interface: {fault}")
            : name;
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
