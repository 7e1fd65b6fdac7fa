using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route.Kinds;

/// <summary>
/// A veth pair; the link made is one end, this describes the other. Equivalent to
/// <c>ip link add NAME type veth peer name PEER netns NS</c>.
/// </summary>
public sealed record VethKind : ILinkKind
{
    /// <inheritdoc/>
    public string Kind => "veth";

    /// <summary>The other end's name.</summary>
    public required string PeerName { get; init; }

    /// <summary>
    /// The namespace the other end is born in, by descriptor; null: this one. Born, not moved: moving a device between namespaces costs
    /// an rcu_barrier, 16 ms (__dev_change_net_namespace, net/core/dev.c).
    /// </summary>
    public int? PeerNamespace { get; init; }

    /// <summary>The other end's link-layer address; null: random.</summary>
    public MacAddress? PeerMac { get; init; }

    /// <summary>The other end's MTU, bytes; null: 1500.</summary>
    public int? PeerMtu { get; init; }

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<IFLA_INFO> info)
    {
        using (info.Nest(IFLA_INFO.DATA, out AttributeWriter<VETH_INFO> data))

        // Not IFF_UP here: veth_open answers ENOTCONN as long as the pair is not complete (drivers/net/veth.c).
        using (data.NestAfter(VETH_INFO.PEER, default(IfInfoMsg), out AttributeWriter<IFLA> peer))
        {
            peer.PutString(IFLA.IFNAME, PeerName);
            LinkRequest.WriteQueues(peer);
            if (PeerNamespace is int descriptor)
            {
                peer.PutS32(IFLA.NET_NS_FD, descriptor);
            }

            if (PeerMac is MacAddress mac)
            {
                peer.PutMac(IFLA.ADDRESS, mac);
            }

            if (PeerMtu is int mtu)
            {
                peer.PutU32(IFLA.MTU, (uint)mtu);
            }
        }
    }
}
