using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <summary>A link to be made, with everything that RTM_NEWLINK can set at birth.</summary>
public sealed record LinkRequest
{
    /// <summary>The name, 1 to 15 bytes.</summary>
    public required string Name { get; init; }

    /// <summary>Its kind and what is special about it.</summary>
    public required ILinkKind Kind { get; init; }

    /// <summary>MTU in bytes; null: the kernel's choice.</summary>
    public int? Mtu { get; init; }

    /// <summary>Link-layer address; null: random.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The link below it (IFLA_LINK), looked up in the socket's namespace whatever <see cref="Namespace"/> says.</summary>
    public InterfaceIndex? Parent { get; init; }

    /// <summary>
    /// The namespace it is born in, by descriptor; null: the socket's. A master is looked up there. Born, not moved: see
    /// <see cref="VethKind.PeerNamespace"/>.
    /// </summary>
    public int? Namespace { get; init; }

    /// <summary>Packets that may wait to be sent; null: the kernel's choice.</summary>
    public uint? TxQueueLength { get; init; }

    /// <summary>Enslave it at birth.</summary>
    public InterfaceIndex? Master { get; init; }

    /// <summary>Born up.</summary>
    public bool Up { get; init; }

    /// <summary>
    /// IFLA_GROUP; many links of one group can be deleted by one request. Unlike an alias, which RTM_NEWLINK passes over at birth
    /// (rtnl_create_link, net/core/rtnetlink.c), it is there from the first moment.
    /// </summary>
    public uint Group { get; init; }

    /// <summary>One queue each way: more make veth_init_queues wait for another grace period.</summary>
    internal static void WriteQueues(AttributeWriter<IFLA> link)
    {
        link.PutU32(IFLA.NUM_TX_QUEUES, 1);
        link.PutU32(IFLA.NUM_RX_QUEUES, 1);
    }

    internal void Write(AttributeWriter<IFLA> link)
    {
        link.PutString(IFLA.IFNAME, Name);
        if (Mtu is int mtu)
        {
            link.PutU32(IFLA.MTU, (uint)mtu);
        }

        if (Mac is MacAddress mac)
        {
            link.PutMac(IFLA.ADDRESS, mac);
        }

        if (Parent is InterfaceIndex parent)
        {
            link.PutS32(IFLA.LINK, parent.Value);
        }

        if (Namespace is int descriptor)
        {
            link.PutS32(IFLA.NET_NS_FD, descriptor);
        }

        WriteDetails(link);
        if (Master is InterfaceIndex master)
        {
            link.PutS32(IFLA.MASTER, master.Value);
        }

        if (Group != 0)
        {
            link.PutU32(IFLA.GROUP, Group);
        }

        using (link.Nest(IFLA.LINKINFO, out AttributeWriter<IFLA_INFO> info))
        {
            info.PutString(IFLA_INFO.KIND, Kind.Kind);
            Kind.WriteData(info);
        }
    }

    private void WriteDetails(AttributeWriter<IFLA> link)
    {
        if (TxQueueLength is uint length)
        {
            link.PutU32(IFLA.TXQLEN, length);
        }

        if (Kind is VethKind)
        {
            WriteQueues(link);
        }
    }
}
