using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <summary>An interface as the kernel describes it (RTM_NEWLINK).</summary>
public sealed record Link
{
    /// <summary>Its number.</summary>
    public required InterfaceIndex Index { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Link-layer address, for those that have an Ethernet one.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>Largest packet, bytes, without the link header.</summary>
    public int Mtu { get; init; }

    /// <summary>IFF_* flags.</summary>
    public IFF Flags { get; init; }

    /// <summary>RFC 2863 state.</summary>
    public IF_OPER OperState { get; init; }

    /// <summary>Whether promiscuous mode is counted on, by flag or by request.</summary>
    public uint Promiscuity { get; init; }

    /// <summary>Driver's name such as <c>bridge</c>; null for hardware and lo.</summary>
    public string? Kind { get; init; }

    /// <summary>What it is enslaved to.</summary>
    public InterfaceIndex? Master { get; init; }

    /// <summary>The other end of a pair or the device below (IFLA_LINK), perhaps in another namespace.</summary>
    public InterfaceIndex? Peer { get; init; }

    /// <summary>Packets that may wait to be sent.</summary>
    public uint TxQueueLength { get; init; }

    /// <summary>IFLA_GROUP; 0 unless somebody set it.</summary>
    public uint Group { get; init; }

    /// <summary>Text for people; null: none.</summary>
    public string? Alias { get; init; }

    /// <summary>What is special about its kind, for macvlan, ipvlan, vlan and vrf.</summary>
    public ILinkKind? Settings { get; init; }

    /// <summary>Other names.</summary>
    public IReadOnlyList<string> AlternativeNames { get; init; } = [];

    /// <summary>Of a bridge: whether it filters by VLAN.</summary>
    public bool VlanFiltering { get; init; }

    /// <summary>Of a bridge: the VLAN that a new port is a member of; 0: none.</summary>
    public ushort DefaultPvid { get; init; }

    /// <summary>Of a bridge's port: its settings there.</summary>
    public BridgePort? Port { get; init; }

    /// <summary>Whether the interface is administratively up.</summary>
    public bool IsUp => (Flags & IFF.UP) != 0;

    /// <summary>Whether somebody asked for every frame by flag; <see cref="Promiscuity"/> counts what programs and masters ask for as well.</summary>
    public bool IsPromiscuous => (Flags & IFF.PROMISC) != 0;

    /// <summary>Whether somebody asked for every multicast frame by flag.</summary>
    public bool IsAllMulticast => (Flags & IFF.ALLMULTI) != 0;
}

/// <summary>What a bridge knows of one of its ports.</summary>
/// <param name="State">Spanning tree state; without spanning tree, forwarding as soon as the port has carrier.</param>
/// <param name="Hairpin">May send a frame back out of the port it came in by.</param>
/// <param name="Isolated">Does not talk to other isolated ports.</param>
public sealed record BridgePort(BR_STATE State, bool Hairpin, bool Isolated);
