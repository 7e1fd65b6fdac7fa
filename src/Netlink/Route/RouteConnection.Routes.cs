using System.Net;
using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <content>Routes.</content>
public sealed partial class RouteConnection
{
    /// <summary>
    /// Adds a route; one to the same destination by another way stays beside it (NLM_F_CREATE alone, as the reference plugins do, so that
    /// IPv6 routes join to a multipath route). <c>ip route append</c>.
    /// </summary>
    /// <exception cref="NetlinkException">EEXIST: the identical route is there; ENETUNREACH: the gateway is on no link.</exception>
    public void AddRoute(IpRoute route) => Execute(RouteRequest(RTM.NEWROUTE, NLM_F.CREATE, route), $"{route}");

    /// <summary>Deletes a route; false when there was none such. <c>ip route del</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool TryDeleteRoute(IpRoute route) => TryExecute(RouteRequest(RTM.DELROUTE, 0, route), $"{route}", Errno.ESRCH, Errno.ENOENT);

    /// <summary>
    /// All routes of both families and all tables, a multipath route once for each next hop. <c>ip route show table all</c>, and <c>-6</c>.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<IpRoute> ListRoutes()
    {
        List<IpRoute> routes = [];
        foreach (byte family in (ReadOnlySpan<byte>)[AddressFamilyNumber.Inet, AddressFamilyNumber.Inet6])
        {
            NetlinkMessage<RTA> request = Request<RtMsg, RTA>((ushort)RTM.GETROUTE, NLM_F.DUMP, new RtMsg { Family = family });
            foreach (IReadOnlyList<IpRoute> found in Dump<RTA, IReadOnlyList<IpRoute>>(request, RouteParser.Parse, "all routes"))
            {
                routes.AddRange(found);
            }
        }

        return routes;
    }

    /// <summary>
    /// The interface by which packets to an address leave; null when there is no route. <c>ip route get ADDRESS</c>. Costs the same with any
    /// number of routes.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public Link? FindOutput(IPAddress destination) => FindRoute(destination) is IpRoute route ? FindLink(route.Output) : null;

    /// <summary>Whether packets to an address stay here, because it is one of this host's own.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool IsLocal(IPAddress address) => FindRoute(address) is { Type: RTN.LOCAL };

    private IpRoute? FindRoute(IPAddress destination)
    {
        NetlinkMessage<RTA> request = Request<RtMsg, RTA>((ushort)RTM.GETROUTE, 0, new RtMsg
        {
            Family = AddressFamilyNumber.Of(destination),
            DestinationLength = (byte)(destination.GetAddressBytes().Length * 8),
        });
        request.Attributes.PutAddress(RTA.DST, destination);
        try
        {
            return Find<RTA, IReadOnlyList<IpRoute>>(request, RouteParser.Parse, $"{destination}") is [IpRoute route, ..] ? route : null;
        }
        catch (NetlinkException e) when (e.Errno is Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.EACCES or Errno.EINVAL)
        {
            return null;   // none, or one that says no: unreachable, prohibit, blackhole (fib_props, net/ipv4/fib_semantics.c)
        }
    }

    private NetlinkMessage<RTA> RouteRequest(RTM type, NLM_F flags, IpRoute route)
    {
        NetlinkMessage<RTA> request = Request<RtMsg, RTA>((ushort)type, flags, new RtMsg
        {
            Family = AddressFamilyNumber.Of(route.Destination),
            DestinationLength = (byte)route.PrefixLength,
            Table = (byte)(route.Table < 256 ? route.Table : (uint)RT_TABLE.UNSPEC),
            Protocol = (byte)(type == RTM.NEWROUTE ? RTPROT.BOOT : RTPROT.UNSPEC),
            Scope = (byte)route.Scope,
            Type = (byte)route.Type,
        });
        AttributeWriter<RTA> attributes = request.Attributes;
        if (route.PrefixLength > 0)
        {
            attributes.PutAddress(RTA.DST, route.Destination);
        }

        if (route.Gateway is IPAddress gateway)
        {
            attributes.PutAddress(RTA.GATEWAY, gateway);
        }

        if (route.Source is IPAddress source)
        {
            attributes.PutAddress(RTA.PREFSRC, source);
        }

        attributes.PutS32(RTA.OIF, route.Output.Value);
        attributes.PutU32(RTA.TABLE, route.Table);
        if (route.Priority is uint priority)
        {
            attributes.PutU32(RTA.PRIORITY, priority);
        }

        WriteMetrics(attributes, route);
        return request;
    }

    private static void WriteMetrics(AttributeWriter<RTA> attributes, IpRoute route)
    {
        if (route.Mtu is null && route.AdvMss is null)
        {
            return;
        }

        using (attributes.Nest(RTA.METRICS, out AttributeWriter<RTAX> metrics))
        {
            if (route.Mtu is uint mtu)
            {
                metrics.PutU32(RTAX.MTU, mtu);
            }

            if (route.AdvMss is uint mss)
            {
                metrics.PutU32(RTAX.ADVMSS, mss);
            }
        }
    }
}
