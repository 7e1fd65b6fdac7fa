using System.Globalization;
using System.Net.Sockets;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>The routes of a container's interface, for the plugins that move them to another table and back.</summary>
public static class ContainerRoutes
{
    private const string Saved = "route ";

    /// <summary>
    /// Those of one table, the ones on the link before those through a gateway, which lean on them. Link-local ones are left out: the kernel makes them
    /// itself, and neighbours cannot be found without.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static IReadOnlyList<IpRoute> List(RouteConnection connection, InterfaceIndex link, uint table)
    {
        List<IpRoute> direct = [];
        List<IpRoute> through = [];
        foreach (IpRoute route in connection.ListRoutes())
        {
            if (route.Output == link && route.Table == table && route.Type == RTN.UNICAST && !IsLinkLocal(route))
            {
                (route.Gateway is null ? direct : through).Add(route);
            }
        }

        return [.. direct, .. through];
    }

    /// <summary>
    /// Puts back those that are not there. What the kernel does not take is let be: the container took the address away, or the interface down, and must not hold up its
    /// own removal.
    /// </summary>
    /// <exception cref="NetlinkException">They cannot be listed.</exception>
    public static void Restore(RouteConnection connection, IReadOnlyList<IpRoute> routes) => AddMissing(connection, routes, isTolerant: true);

    /// <summary>Adds those that are not there yet.</summary>
    /// <exception cref="NetlinkException">The kernel refused one.</exception>
    public static void Ensure(RouteConnection connection, IReadOnlyList<IpRoute> routes) => AddMissing(connection, routes, isTolerant: false);

    private static void AddMissing(RouteConnection connection, IReadOnlyList<IpRoute> routes, bool isTolerant)
    {
        IReadOnlyList<IpRoute> present = routes.Count == 0 ? [] : connection.ListRoutes();
        foreach (IpRoute route in routes)
        {
            if (present.Any(each => IsSame(each, route)))
            {
                continue;
            }

            try
            {
                TryAdd(connection, route);
            }
            catch (NetlinkException) when (isTolerant)
            {
                // See Restore.
            }
        }
    }

    /// <summary>Adds a route; false when the very same is there.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static bool TryAdd(RouteConnection connection, IpRoute route)
    {
        try
        {
            connection.AddRoute(route);
            return true;
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
        {
            return false;
        }
    }

    /// <summary>Routes as values of a record, to be put back.</summary>
    public static void Save(IReadOnlyList<IpRoute> routes, Dictionary<string, string> values)
    {
        for (int i = 0; i < routes.Count; i++)
        {
            values[string.Create(CultureInfo.InvariantCulture, $"{Saved}{i}")] = RouteText.Write(routes[i]);
        }
    }

    /// <summary>The routes that a record holds, in their order.</summary>
    public static IReadOnlyList<IpRoute> Read(AttachmentRecord record, InterfaceIndex link)
    {
        List<IpRoute> routes = [];
        for (int i = 0; record.Saved.TryGetValue(string.Create(CultureInfo.InvariantCulture, $"{Saved}{i}"), out string? line); i++)
        {
            if (RouteText.TryRead(line, link) is IpRoute route)
            {
                routes.Add(route);
            }
        }

        return routes;
    }

    private static bool IsLinkLocal(IpRoute route) =>
        route.Destination.AddressFamily == AddressFamily.InterNetworkV6 && (route.Destination.IsIPv6LinkLocal || route.Destination.IsIPv6Multicast);

    private static bool IsSame(IpRoute present, IpRoute wanted) =>
        present.Output == wanted.Output && present.Table == wanted.Table && present.PrefixLength == wanted.PrefixLength
        && present.Destination.Equals(wanted.Destination) && Equals(present.Gateway, wanted.Gateway)
        && (wanted.Priority is null || present.Priority == wanted.Priority);
}
