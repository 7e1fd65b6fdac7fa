using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>Gives a container's interface its addresses and routes.</summary>
public static class ContainerInterface
{
    private static readonly TimeSpan s_detectionTime = TimeSpan.FromSeconds(5);

    /// <summary>Addresses, then up, then routes: a route needs its interface up, and the announcement at "up" needs the addresses.</summary>
    /// <param name="sandbox">The container's namespace.</param>
    /// <param name="link">Its interface.</param>
    /// <param name="lease">What address management gave.</param>
    /// <param name="detection">Which addresses are tried on the link before they are used. Needless where we give out every address.</param>
    /// <param name="routed">
    /// Whether even its own subnet is reached by the gateway, as over a link with nobody else on it; else the subnet is on the link.
    /// </param>
    /// <exception cref="CniException">An address is in use on the link (11).</exception>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static void Configure(Sandbox sandbox, Link link, AddResult lease, DuplicateDetection detection, bool routed = false)
    {
        bool detectDuplicates = detection != DuplicateDetection.None;
        bool v6 = lease.Ips.Any(static ip => IsV6(ip.Address));
        if (v6)
        {
            sandbox.Namespace.Run(() => EnableIpv6(link.Name, detectDuplicates));
        }

        if (detection == DuplicateDetection.All)
        {
            sandbox.Route.SetUp(link.Index);
            AddressProbe.Require(sandbox, link, [.. lease.Ips.Select(static ip => ip.Address).Where(static address => !IsV6(address))]);
        }

        using KernelEvents? events = !v6 ? null : detectDuplicates ? sandbox.ListenToAddresses() : sandbox.ListenToRoutes();
        foreach (ResultIp ip in lease.Ips)
        {
            sandbox.Route.AddAddress(link.Index, new InterfaceAddress(ip.Address, ip.PrefixLength)
            {
                Flags = (IsV6(ip.Address) && !detectDuplicates ? IFA_F.NODAD : 0) | (routed ? IFA_F.NOPREFIXROUTE : 0),
            });
        }

        sandbox.Route.SetUpAnnouncing(link.Index);
        if (events is not null && detectDuplicates)
        {
            AwaitDetection(sandbox, link, events);
        }
        else if (events is not null)
        {
            LocalAddresses.Await(sandbox.Route, events, link, [.. lease.Ips.Select(static ip => ip.Address).Where(IsV6)]);
        }

        if (routed)
        {
            AddRoutesByGateway(sandbox, link, lease);
        }

        foreach (ResultRoute route in lease.Routes)
        {
            sandbox.Route.AddRoute(ToRoute(route, lease, link.Index));
        }
    }

    /// <summary>The gateway alone is on the link, and the subnet is behind it.</summary>
    private static void AddRoutesByGateway(Sandbox sandbox, Link link, AddResult lease)
    {
        HashSet<IpRoute> routes = [];   // two addresses may share a gateway
        foreach (ResultIp ip in lease.Ips)
        {
            IPAddress gateway = ip.Gateway!;
            IpPrefix subnet = new IpPrefix(ip.Address, ip.PrefixLength).Network;
            IpRoute first = new(gateway, gateway.GetAddressBytes().Length * 8)
            {
                Output = link.Index,
                Scope = IsV6(gateway) ? RT_SCOPE.UNIVERSE : RT_SCOPE.LINK,
            };
            IpRoute second = new(subnet.Address, subnet.Length) { Output = link.Index, Gateway = gateway };
            foreach (IpRoute route in (ReadOnlySpan<IpRoute>)[first, second])
            {
                if (routes.Add(route))
                {
                    sandbox.Route.AddRoute(route with { Source = ip.Address });
                }
            }
        }
    }

    private static bool IsV6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    private static void EnableIpv6(string name, bool detectDuplicates)
    {
        Sysctl.Ensure("net/ipv6/conf/lo/disable_ipv6", "0");
        Sysctl.Ensure($"net/ipv6/conf/{name}/disable_ipv6", "0");
        Sysctl.Ensure($"net/ipv6/conf/{name}/keep_addr_on_down", "1");
        Sysctl.Ensure($"net/ipv6/conf/{name}/accept_dad", detectDuplicates ? "1" : "0");
        Sysctl.Ensure($"net/ipv6/conf/{name}/ndisc_notify", "1");
    }

    private static void AwaitDetection(Sandbox sandbox, Link link, KernelEvents events)
    {
        bool settled = events.Wait(
            link.Index,
            () => sandbox.Route.ListAddresses(link.Index).All(static address => (address.Flags & IFA_F.TENTATIVE) == 0
                || (address.Flags & IFA_F.DADFAILED) != 0),
            s_detectionTime);
        foreach (InterfaceAddress address in sandbox.Route.ListAddresses(link.Index))
        {
            if ((address.Flags & IFA_F.DADFAILED) != 0)
            {
                throw new CniException(
                    CniErrorCode.TryAgainLater, $"address {address.Address} is in use by another station on the link: free it there, or exclude it here");
            }
        }

        if (!settled)
        {
            throw new CniException(
                CniErrorCode.TryAgainLater, $"duplicate address detection on {link.Name} did not end within {s_detectionTime.TotalSeconds} s");
        }
    }

    private static IpRoute ToRoute(ResultRoute route, AddResult lease, InterfaceIndex output)
    {
        IPAddress? gateway = route.Gateway ?? (route.Scope is null or (int)RT_SCOPE.UNIVERSE ? FirstGateway(lease, IsV6(route.Destination)) : null);
        if (gateway is not null && (gateway.Equals(IPAddress.Any) || gateway.Equals(IPAddress.IPv6Any)))
        {
            gateway = null;   // "no router": the destination is on the link (RFC 3442, and what the reference dhcp plugin hands on)
        }

        return new IpRoute(route.Destination, route.PrefixLength)
        {
            Gateway = gateway,
            Output = output,
            Scope = route.Scope is int scope ? (RT_SCOPE)scope : gateway is null && !IsV6(route.Destination) ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE,
            Priority = (uint?)route.Priority,
            Table = route.Table is int table ? (uint)table : (uint)RT_TABLE.MAIN,
            Mtu = (uint?)route.Mtu,
            AdvMss = (uint?)route.AdvMss,
        };
    }

    private static IPAddress? FirstGateway(AddResult lease, bool v6) =>
        lease.Ips.FirstOrDefault(ip => ip.Gateway is not null && IsV6(ip.Address) == v6)?.Gateway;
}
