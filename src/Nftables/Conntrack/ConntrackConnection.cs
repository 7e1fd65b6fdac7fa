using System.Net.Sockets;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Uapi;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Conntrack;

/// <summary>
/// Connections tracked in one network namespace: the one in which the socket was opened. A connection keeps the translation that its first
/// packet got for as long as packets come: a UDP client goes on talking to a container that is gone, whatever the rules say now.
/// </summary>
public sealed class ConntrackConnection : NetlinkConnection
{
    // Bits of CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS: in no uapi header, but in net/netfilter/nf_internals.h.
    private const uint FilterSource = 1 << 0;
    private const uint FilterDestination = 1 << 1;
    private const uint FilterProtocol = 1 << 3;
    private const uint FilterDestinationPort = 1 << 5;

    private ConntrackConnection(INetlinkSocket socket)
        : base(socket, ConntrackAttributeNames.Instance)
    {
    }

    /// <summary>Opens a connection in the calling thread's namespace.</summary>
    /// <exception cref="LinuxException">EPROTONOSUPPORT: this kernel has no netfilter netlink.</exception>
    public static ConntrackConnection Open(INetlinkSockets sockets) => new(sockets.Open(NETLINK.NETFILTER));

    /// <summary>
    /// Forgets the connections that the filter means. <c>conntrack -D</c>. The kernel walks its whole table once, which
    /// takes time with the table's size (of all namespaces together): 12 ms for 262,144 buckets with next to nothing in them, 25 ms with 50,000
    /// connections (measured on 6.18); what it hands over is, from Linux 5.8 on, little more than what is
    /// then deleted, before that every connection of the namespace.
    /// </summary>
    /// <returns>How many were forgotten; none is success.</returns>
    /// <exception cref="NetlinkException">EINVAL: this kernel does not tell of its connections (no nf_conntrack_netlink).</exception>
    public int Delete(ConntrackFilter filter) => Delete([filter]);

    /// <summary>As <see cref="Delete(ConntrackFilter)"/> for connections that any of the filters means, at the price of one.</summary>
    /// <exception cref="NetlinkException">As there.</exception>
    public int Delete(IReadOnlyList<ConntrackFilter> filters)
    {
        int deleted = 0;
        foreach (ConntrackEntry entry in filters.Count == 0 ? [] : List(CommonFamily(filters), filters))
        {
            deleted += TryDelete(entry) ? 1 : 0;
        }

        return deleted;
    }

    /// <summary>The family of all the filters, or both: the kernel walks the whole table once either way.</summary>
    private static AddressFamily CommonFamily(IReadOnlyList<ConntrackFilter> filters)
    {
        foreach (ConntrackFilter filter in filters)
        {
            if (filter.Family != filters[0].Family)
            {
                return AddressFamily.Unspecified;
            }
        }

        return filters[0].Family;
    }

    private static byte? CommonProtocol(IReadOnlyList<ConntrackFilter> filters)
    {
        foreach (ConntrackFilter filter in filters)
        {
            if (filter.Protocol != filters[0].Protocol)
            {
                return null;
            }
        }

        return filters[0].Protocol;
    }

    private static ushort MessageType(IPCTNL_MSG_CT type) => (ushort)(((int)NFNL_SUBSYS.CTNETLINK << 8) | (int)type);

    /// <summary>
    /// Writes what the kernel can compare. IPv6 addresses are left to us: kernels compare them the wrong way round and leave out just those
    /// that are equal (ctnetlink_filter_match_tuple, net/netfilter/nf_conntrack_netlink.c; seen on 6.18). One before 5.8 ignores all of it.
    /// </summary>
    private static void WriteFilter(AttributeWriter<CTA> attributes, ConntrackFilter filter, AddressFamily family)
    {
        bool v4 = family == AddressFamily.InterNetwork;
        uint original = (filter.Protocol is null ? 0 : FilterProtocol)
            | (filter.Protocol is null || filter.DestinationPort is null ? 0 : FilterDestinationPort)
            | (v4 && IsOneOf(filter, family) ? FilterDestination : 0);
        uint reply = v4 && filter.ReplySource is not null ? FilterSource : 0;
        if ((original | reply) == 0)
        {
            return;
        }

        using (attributes.Nest(CTA.FILTER, out AttributeWriter<CTA_FILTER> flags))
        {
            flags.PutU32(CTA_FILTER.ORIG_FLAGS, original);
            flags.PutU32(CTA_FILTER.REPLY_FLAGS, reply);
        }

        if (original != 0)
        {
            WriteOriginal(attributes, filter, original);
        }

        if (reply != 0)
        {
            using (attributes.Nest(CTA.TUPLE_REPLY, out AttributeWriter<CTA_TUPLE> tuple))
            using (tuple.Nest(CTA_TUPLE.IP, out AttributeWriter<CTA_IP> ip))
            {
                ip.PutAddress(CTA_IP.V4_SRC, filter.ReplySource!);
            }
        }
    }

    private static void WriteOriginal(AttributeWriter<CTA> attributes, ConntrackFilter filter, uint flags)
    {
        using (attributes.Nest(CTA.TUPLE_ORIG, out AttributeWriter<CTA_TUPLE> tuple))
        {
            if ((flags & FilterDestination) != 0)
            {
                using (tuple.Nest(CTA_TUPLE.IP, out AttributeWriter<CTA_IP> ip))
                {
                    ip.PutAddress(CTA_IP.V4_DST, filter.Destinations[0]);
                }
            }

            if ((flags & FilterProtocol) != 0)
            {
                using (tuple.Nest(CTA_TUPLE.PROTO, out AttributeWriter<CTA_PROTO> proto))
                {
                    proto.PutU8(CTA_PROTO.NUM, filter.Protocol!.Value);
                    if (filter.DestinationPort is ushort port)
                    {
                        proto.PutU16BigEndian(CTA_PROTO.DST_PORT, port);
                    }
                }
            }
        }
    }

    private static bool IsOneOf(ConntrackFilter filter, AddressFamily family) =>
        !filter.LoopbackToo && filter.Destinations.Count == 1 && filter.Destinations[0].AddressFamily == family;

    private IReadOnlyList<ConntrackEntry> List(AddressFamily family, IReadOnlyList<ConntrackFilter> filters)
    {
        NFPROTO number = family switch
        {
            AddressFamily.InterNetwork => NFPROTO.IPV4,
            AddressFamily.InterNetworkV6 => NFPROTO.IPV6,
            _ => NFPROTO.UNSPEC,
        };
        NetlinkMessage<CTA> request = Request<NfGenMsg, CTA>(
            MessageType(IPCTNL_MSG_CT.GET), NLM_F.DUMP, new NfGenMsg { Family = (byte)number });
        if (number != NFPROTO.UNSPEC)
        {
            // For both families at once the kernel compares nothing (EOPNOTSUPP): a second walk would take longer than to look at what it hands over.
            ConntrackFilter common = filters is [ConntrackFilter only] ? only : new ConntrackFilter { Protocol = CommonProtocol(filters) };
            WriteFilter(request.Attributes, common, family);
        }

        ConntrackMatcher matcher = new(filters);
        return Dump<CTA, ConntrackEntry>(request, matcher.Parse, "tracked connections");
    }

    private bool TryDelete(ConntrackEntry entry)
    {
        NetlinkMessage<CTA> request = Request<NfGenMsg, CTA>(
            MessageType(IPCTNL_MSG_CT.DELETE), 0, new NfGenMsg { Family = entry.Family });
        request.Attributes.PutBytes(CTA.TUPLE_ORIG, entry.OriginalBytes);
        if (entry.Id is byte[] id)
        {
            request.Attributes.PutBytes(CTA.ID, id);
        }

        if (entry.Zone is byte[] zone)
        {
            request.Attributes.PutBytes(CTA.ZONE, zone);
        }

        return TryExecute(request, $"to {entry.Original.Destination} port {entry.Original.DestinationPort}", Errno.ENOENT);
    }
}
