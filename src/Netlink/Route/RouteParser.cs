using System.Net;
using System.Runtime.CompilerServices;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <summary>Makes routes of RTM_NEWROUTE: one, or one for each next hop of RTA_MULTIPATH.</summary>
internal static class RouteParser
{
    public static IReadOnlyList<IpRoute> Parse(NetlinkReply reply)
    {
        RtMsg header = reply.HeaderAs<RtMsg>();
        IPAddress any = header.Family == AddressFamilyNumber.Inet6 ? IPAddress.IPv6Any : IPAddress.Any;
        IpRoute route = new(any, header.DestinationLength)
        {
            Table = header.Table,
            Scope = (RT_SCOPE)header.Scope,
            Type = (RTN)header.Type,
        };
        ReadOnlySpan<byte> nextHops = [];
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<RtMsg>())
        {
            if (attribute.As<RTA>() == RTA.MULTIPATH)
            {
                nextHops = attribute.Value;
            }

            route = WithAttribute(route, attribute);
        }

        return nextHops.IsEmpty ? [route] : ParseNextHops(route, nextHops);
    }

    private static IpRoute WithAttribute(IpRoute route, NetlinkAttribute attribute) => attribute.As<RTA>() switch
    {
        RTA.DST => route with { Destination = attribute.GetAddress() },
        RTA.GATEWAY => route with { Gateway = attribute.GetAddress() },
        RTA.OIF => route with { Output = new InterfaceIndex(attribute.GetS32()) },
        RTA.PREFSRC => route with { Source = attribute.GetAddress() },
        RTA.PRIORITY => route with { Priority = attribute.GetU32() },
        RTA.TABLE => route with { Table = attribute.GetU32() },
        RTA.METRICS => ParseMetrics(route, attribute.Nested),
        _ => route,
    };

    private static List<IpRoute> ParseNextHops(IpRoute route, ReadOnlySpan<byte> rest)
    {
        int headerLength = Unsafe.SizeOf<RtNextHop>();
        List<IpRoute> routes = [];
        while (!rest.IsEmpty)
        {
            RtNextHop hop = rest.Length < headerLength ? default : Unsafe.ReadUnaligned<RtNextHop>(in rest[0]);
            if (hop.Length < headerLength || hop.Length > rest.Length)
            {
                throw new NetlinkFormatException($"a next hop of {hop.Length} bytes where {rest.Length} are left");
            }

            IpRoute each = route with { Output = new InterfaceIndex(hop.Index) };
            foreach (NetlinkAttribute attribute in new AttributeReader(rest[headerLength..hop.Length]))
            {
                each = WithAttribute(each, attribute);
            }

            routes.Add(each);
            rest = rest[Math.Min(MessageBuffer.Align(hop.Length), rest.Length)..];
        }

        return routes;
    }

    private static IpRoute ParseMetrics(IpRoute route, AttributeReader metrics)
    {
        foreach (NetlinkAttribute attribute in metrics)
        {
            route = attribute.As<RTAX>() switch
            {
                RTAX.MTU => route with { Mtu = attribute.GetU32() },
                RTAX.ADVMSS => route with { AdvMss = attribute.GetU32() },
                _ => route,
            };
        }

        return route;
    }
}
