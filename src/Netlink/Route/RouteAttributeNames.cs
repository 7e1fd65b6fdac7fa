using System.Globalization;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <summary>Names of rtnetlink messages and attributes.</summary>
internal sealed class RouteAttributeNames : IAttributeNames
{
    public static RouteAttributeNames Instance { get; } = new();

    public string MessageName(ushort messageType) => $"RTM_{Name((RTM)messageType)}";

    public int HeaderLength(ushort messageType) => (RTM)messageType switch
    {
        RTM.NEWADDR or RTM.DELADDR or RTM.GETADDR => 8,
        RTM.NEWROUTE or RTM.DELROUTE or RTM.GETROUTE => 12,
        RTM.NEWNEIGH or RTM.DELNEIGH or RTM.GETNEIGH => 12,
        RTM.NEWRULE or RTM.DELRULE or RTM.GETRULE => 12,
        RTM.NEWQDISC or RTM.DELQDISC or RTM.GETQDISC or RTM.NEWTFILTER or RTM.GETTFILTER => 20,
        _ => 16,
    };

    public string AttributeName(ushort messageType, string? scope, ushort type, ReadOnlySpan<byte> before, out string? inner)
    {
        inner = null;
        switch (scope)
        {
            case "LINKINFO":
                inner = (IFLA_INFO)type == IFLA_INFO.DATA ? Kind(before) : null;
                return Name((IFLA_INFO)type);
            case "METRICS":
                return Name((RTAX)type);
            case "PROTINFO":
                return Name((IFLA_BRPORT)type);
            case "PROP_LIST":
                return Name((IFLA)type);
            case "bridge":
                return Name((IFLA_BR)type);
            case "macvlan":
                return Name((IFLA_MACVLAN)type);
            case "ipvlan":
                return Name((IFLA_IPVLAN)type);
            case "vlan":
                return Name((IFLA_VLAN)type);
            case "vrf":
                return Name((IFLA_VRF)type);
            case "veth":
                return Name((VETH_INFO)type);   // the peer's own attributes stand behind a header and are not told apart
            case "DATA":
            case "AF_SPEC":
                return type.ToString(CultureInfo.InvariantCulture);   // what it means depends on the kind or the family
            default:
                return TopLevelName(messageType, type, out inner);
        }
    }

    private static string TopLevelName(ushort messageType, ushort type, out string? inner)
    {
        inner = null;
        switch ((RTM)messageType)
        {
            case RTM.NEWADDR or RTM.DELADDR or RTM.GETADDR:
                return Name((IFA)type);
            case RTM.NEWNEIGH or RTM.DELNEIGH or RTM.GETNEIGH:
                return Name((NDA)type);
            case RTM.NEWRULE or RTM.DELRULE or RTM.GETRULE:
                return Name((FRA)type);
            case RTM.NEWQDISC or RTM.DELQDISC or RTM.GETQDISC or RTM.NEWTFILTER or RTM.GETTFILTER:
                return Name((TCA)type);
            case RTM.NEWROUTE or RTM.DELROUTE or RTM.GETROUTE:
                inner = (RTA)type == RTA.METRICS ? "METRICS" : null;
                return Name((RTA)type);
            default:
                inner = (IFLA)type switch
                {
                    IFLA.LINKINFO => "LINKINFO",
                    IFLA.AF_SPEC => "AF_SPEC",
                    IFLA.PROTINFO => "PROTINFO",
                    IFLA.PROP_LIST => "PROP_LIST",
                    _ => null,
                };
                return Name((IFLA)type);
        }
    }

    /// <summary>The kind that stands before the data, if its attributes have names here.</summary>
    private static string Kind(ReadOnlySpan<byte> before)
    {
        foreach (NetlinkAttribute attribute in new AttributeReader(before))
        {
            if (attribute.As<IFLA_INFO>() == IFLA_INFO.KIND && attribute.GetString() is "bridge" or "veth" or "macvlan" or "ipvlan" or "vlan" or "vrf")
            {
                return attribute.GetString();
            }
        }

        return "DATA";
    }

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString();
}
