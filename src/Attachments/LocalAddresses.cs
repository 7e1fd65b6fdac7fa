using System.Net;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>
/// IPv6 addresses of an interface count a moment after it is up, even those that are not tried on the link first: the kernel leaves them to a work queue
/// (addrconf_dad_work, net/ipv6/addrconf.c). What comes in before is lost, and a runtime starts the container the moment we return.
/// </summary>
internal static class LocalAddresses
{
    private static readonly TimeSpan s_atMost = TimeSpan.FromSeconds(1);

    /// <summary>Waits until packets to the addresses are taken in, at most a second.</summary>
    /// <param name="route">A connection in the interface's namespace.</param>
    /// <param name="routes">Announcements about routes there, from before the interface was brought up.</param>
    /// <param name="link">The interface; without a carrier there is nothing to wait for.</param>
    /// <param name="addresses">IPv6 addresses that it has.</param>
    public static void Await(RouteConnection route, KernelEvents routes, Link link, IReadOnlyList<IPAddress> addresses)
    {
        if ((route.GetLink(link.Index).Flags & IFF.LOWER_UP) != 0)
        {
            routes.Wait(index: null, () => addresses.All(route.IsLocal), s_atMost);
        }
    }
}
