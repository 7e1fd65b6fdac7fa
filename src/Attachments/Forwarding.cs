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
    private const string Ipv4 = "net/ipv4/ip_forward";
    private const string Ipv6 = "net/ipv6/conf/all/forwarding";

    /// <summary>For the families of a lease, unless it does already.</summary>
    /// <exception cref="LinuxException">/proc/sys refused.</exception>
    /// <exception cref="NetlinkException">The kernel refused to list addresses and routes.</exception>
    public static void Enable(Host host, AddResult lease)
    {
        if (lease.Ips.Any(static ip => ip.Address.AddressFamily == AddressFamily.InterNetwork) && Sysctl.Get(Ipv4) != "1")
        {
            HostNotes.Add(host.State, NoteOf(Ipv4));
            SwitchOn(host, Ipv4);
        }

        if (lease.Ips.Any(static ip => ip.Address.AddressFamily == AddressFamily.InterNetworkV6) && Sysctl.Get(Ipv6) != "1")
        {
            HostNotes.Add(host.State, NoteOf(Ipv6));
            SwitchOn(host, Ipv6);
        }
    }

    /// <summary>What was switched on here, for attachments that are still there, and is off.</summary>
    /// <exception cref="LinuxException">/proc/sys or the state directory cannot be read.</exception>
    internal static IReadOnlyList<string> ListLost(Host host) =>
        [.. ((string[])[Ipv4, Ipv6]).Where(name => HostNotes.Has(host.State, NoteOf(name)) && Sysctl.Find(name) == "0")];

    /// <summary>Switches one of <see cref="ListLost"/> on again.</summary>
    /// <exception cref="LinuxException">/proc/sys refused.</exception>
    /// <exception cref="NetlinkException">The kernel refused to list addresses and routes.</exception>
    internal static void SwitchOn(Host host, string name)
    {
        if (name == Ipv6)
        {
            KeepRouterAdvertisements(host);
        }

        Sysctl.Set(name, "1");
    }

    private static string NoteOf(string name) => name.Replace('/', '.');

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
