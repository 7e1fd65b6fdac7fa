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
        _ => 16,
    };

    public string AttributeName(ushort messageType, string? scope, ushort type, out string? inner)
    {
        inner = null;
        switch (scope)
        {
            case "LINKINFO":
                inner = (IFLA_INFO)type == IFLA_INFO.DATA ? "DATA" : null;
                return Name((IFLA_INFO)type);
            case "METRICS":
                return Name((RTAX)type);
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
            case RTM.NEWROUTE or RTM.DELROUTE or RTM.GETROUTE:
                inner = (RTA)type == RTA.METRICS ? "METRICS" : null;
                return Name((RTA)type);
            default:
                inner = (IFLA)type switch
                {
                    IFLA.LINKINFO => "LINKINFO",
                    IFLA.AF_SPEC => "AF_SPEC",
                    _ => null,
                };
                return Name((IFLA)type);
        }
    }

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString();
}
