using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Conntrack;

/// <summary>Makes a <see cref="ConntrackEntry"/> of IPCTNL_MSG_CT_NEW.</summary>
internal static class ConntrackParser
{
    public static ConntrackEntry Parse(NetlinkReply reply)
    {
        ConntrackTuple original = default;
        ConntrackTuple answer = default;
        byte[] originalBytes = [];
        byte[]? id = null;
        byte[]? zone = null;
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<NfGenMsg>())
        {
            switch (attribute.As<CTA>())
            {
                case CTA.TUPLE_ORIG:
                    original = ParseTuple(attribute.Nested);
                    originalBytes = attribute.Value.ToArray();
                    break;
                case CTA.TUPLE_REPLY:
                    answer = ParseTuple(attribute.Nested);
                    break;
                case CTA.ID:
                    id = attribute.Value.ToArray();
                    break;
                case CTA.ZONE:
                    zone = attribute.Value.ToArray();
                    break;
                default:
                    break;
            }
        }

        byte family = reply.HeaderAs<NfGenMsg>().Family;
        return new ConntrackEntry(family, original, answer) { OriginalBytes = originalBytes, Id = id, Zone = zone };
    }

    /// <summary>Protocol and port that the first packet was sent to, and nothing else; 0 where there is none.</summary>
    public static (byte Protocol, ushort Port) ParsePort(NetlinkReply reply)
    {
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<NfGenMsg>())
        {
            if (attribute.As<CTA>() != CTA.TUPLE_ORIG)
            {
                continue;
            }

            foreach (NetlinkAttribute part in attribute.Nested)
            {
                if (part.As<CTA_TUPLE>() == CTA_TUPLE.PROTO)
                {
                    ConntrackTuple tuple = ParsePorts(default, part.Nested);
                    return (tuple.Protocol, tuple.DestinationPort);
                }
            }
        }

        return default;
    }

    private static ConntrackTuple ParseTuple(AttributeReader attributes)
    {
        ConntrackTuple tuple = default;
        foreach (NetlinkAttribute attribute in attributes)
        {
            tuple = attribute.As<CTA_TUPLE>() switch
            {
                CTA_TUPLE.IP => ParseAddresses(tuple, attribute.Nested),
                CTA_TUPLE.PROTO => ParsePorts(tuple, attribute.Nested),
                _ => tuple,
            };
        }

        return tuple;
    }

    private static ConntrackTuple ParseAddresses(ConntrackTuple tuple, AttributeReader attributes)
    {
        foreach (NetlinkAttribute attribute in attributes)
        {
            tuple = attribute.As<CTA_IP>() switch
            {
                CTA_IP.V4_SRC or CTA_IP.V6_SRC => tuple with { Source = attribute.GetAddress() },
                CTA_IP.V4_DST or CTA_IP.V6_DST => tuple with { Destination = attribute.GetAddress() },
                _ => tuple,
            };
        }

        return tuple;
    }

    private static ConntrackTuple ParsePorts(ConntrackTuple tuple, AttributeReader attributes)
    {
        foreach (NetlinkAttribute attribute in attributes)
        {
            tuple = attribute.As<CTA_PROTO>() switch
            {
                CTA_PROTO.NUM => tuple with { Protocol = attribute.GetU8() },
                CTA_PROTO.DST_PORT => tuple with { DestinationPort = attribute.GetU16BigEndian() },
                _ => tuple,
            };
        }

        return tuple;
    }
}
