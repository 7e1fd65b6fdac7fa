using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <summary>Makes a <see cref="Link"/> of RTM_NEWLINK.</summary>
internal static class LinkParser
{
    public static Link Parse(NetlinkReply reply)
    {
        IfInfoMsg header = reply.HeaderAs<IfInfoMsg>();
        Link link = new() { Index = new InterfaceIndex(header.Index), Name = string.Empty, Flags = (IFF)header.Flags };
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<IfInfoMsg>())
        {
            link = attribute.As<IFLA>() switch
            {
                IFLA.IFNAME => link with { Name = attribute.GetString() },
                IFLA.ADDRESS when attribute.Value.Length == 6 => link with { Mac = attribute.GetMac() },
                IFLA.MTU => link with { Mtu = (int)Math.Min(attribute.GetU32(), int.MaxValue) },
                IFLA.TXQLEN => link with { TxQueueLength = attribute.GetU32() },
                IFLA.GROUP => link with { Group = attribute.GetU32() },
                IFLA.IFALIAS => link with { Alias = attribute.GetString() },
                IFLA.OPERSTATE => link with { OperState = (IF_OPER)attribute.GetU8() },
                IFLA.PROMISCUITY => link with { Promiscuity = attribute.GetU32() },
                IFLA.MASTER => link with { Master = new InterfaceIndex(attribute.GetS32()) },
                IFLA.LINK => link with { Peer = new InterfaceIndex(attribute.GetS32()) },
                IFLA.LINKINFO => ParseInfo(link, attribute.Nested),
                IFLA.PROP_LIST => link with { AlternativeNames = ParseNames(attribute.Nested) },
                _ => link,
            };
        }

        return link;
    }

    private static Link ParseInfo(Link link, AttributeReader info)
    {
        string? slaveKind = null;
        foreach (NetlinkAttribute attribute in info)
        {
            switch (attribute.As<IFLA_INFO>())
            {
                case IFLA_INFO.KIND:
                    link = link with { Kind = attribute.GetString() };
                    break;
                case IFLA_INFO.DATA:
                    link = ParseData(link, attribute.Nested);
                    break;
                case IFLA_INFO.SLAVE_KIND:
                    slaveKind = attribute.GetString();
                    break;
                case IFLA_INFO.SLAVE_DATA when slaveKind == "bridge":
                    link = link with { Port = ParsePort(attribute.Nested) };
                    break;
                default:
                    break;
            }
        }

        return link;
    }

    private static Link ParseData(Link link, AttributeReader data) => link.Kind switch
    {
        "bridge" => ParseBridge(link, data),
        "macvlan" => link with { Settings = MacvlanKind.Parse(data) },
        "ipvlan" => link with { Settings = IpvlanKind.Parse(data) },
        "vlan" => link with { Settings = VlanKind.Parse(data) },
        "vrf" => link with { Settings = VrfKind.Parse(data) },
        _ => link,
    };

    private static Link ParseBridge(Link link, AttributeReader data)
    {
        foreach (NetlinkAttribute attribute in data)
        {
            link = attribute.As<IFLA_BR>() switch
            {
                IFLA_BR.VLAN_FILTERING => link with { VlanFiltering = attribute.GetU8() != 0 },
                IFLA_BR.VLAN_DEFAULT_PVID => link with { DefaultPvid = attribute.GetU16() },
                _ => link,
            };
        }

        return link;
    }

    private static BridgePort ParsePort(AttributeReader data)
    {
        BridgePort port = new(BR_STATE.DISABLED, Hairpin: false, Isolated: false);
        foreach (NetlinkAttribute attribute in data)
        {
            port = attribute.As<IFLA_BRPORT>() switch
            {
                IFLA_BRPORT.STATE => port with { State = (BR_STATE)attribute.GetU8() },
                IFLA_BRPORT.MODE => port with { Hairpin = attribute.GetU8() != 0 },
                IFLA_BRPORT.ISOLATED => port with { Isolated = attribute.GetU8() != 0 },
                _ => port,
            };
        }

        return port;
    }

    private static List<string> ParseNames(AttributeReader properties)
    {
        List<string> names = [];
        foreach (NetlinkAttribute attribute in properties)
        {
            if (attribute.As<IFLA>() == IFLA.ALT_IFNAME)
            {
                names.Add(attribute.GetString());
            }
        }

        return names;
    }
}
