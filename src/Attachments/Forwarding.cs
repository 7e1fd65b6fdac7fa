using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>Lets the host forward packets. Never undone: others may rely on it.</summary>
public static class Forwarding
{
    private const string Ipv6 = "net/ipv6/conf/all/forwarding";

    /// <summary>For the families of a lease, unless it does already.</summary>
    /// <exception cref="LinuxException">/proc/sys refused.</exception>
    /// <exception cref="NetlinkException">The kernel refused to list addresses and routes.</exception>
    public static void Enable(Host host, AddResult lease)
    {
        if (lease.Ips.Any(static ip => ip.Address.AddressFamily == AddressFamily.InterNetwork))
        {
            Sysctl.Ensure("net/ipv4/ip_forward", "1");
        }

        if (lease.Ips.Any(static ip => ip.Address.AddressFamily == AddressFamily.InterNetworkV6) && Sysctl.Get(Ipv6) != "1")
        {
            KeepRouterAdvertisements(host);
            Sysctl.Set(Ipv6, "1");
        }
    }

    /// <summary>
    /// A host that forwards IPv6 stops listening to router advertisements, and forgets the default route that it learned by one
    /// (addrconf_forward_change, net/ipv6/addrconf.c). With accept_ra 2 it goes on (Documentation/networking/ip-sysctl.rst). Only for
    /// interfaces that use IPv6 now: a container's must not be able to advertise itself as the host's router.
    /// </summary>
    private static void KeepRouterAdvertisements(Host host)
    {
        HashSet<InterfaceIndex> used = [];
        foreach (IpRoute route in host.Route.ListRoutes())
        {
            if (route.PrefixLength == 0 && route.Type == RTN.UNICAST && route.Destination.AddressFamily == AddressFamily.InterNetworkV6)
            {
                used.Add(route.Output);
            }
        }

        foreach (InterfaceAddress address in host.Route.ListAddresses())
        {
            // An address that is not permanent was made from an advertisement.
            if (address.Address.AddressFamily == AddressFamily.InterNetworkV6 && (address.Flags & IFA_F.PERMANENT) == 0)
            {
                used.Add(address.Index);
            }
        }

        foreach (InterfaceIndex index in used)
        {
            if (host.Route.FindLink(index) is Link link && Sysctl.Find($"net/ipv6/conf/{link.Name}/accept_ra") == "1")
            {
                Sysctl.Set($"net/ipv6/conf/{link.Name}/accept_ra", "2");
            }
        }
    }
}
