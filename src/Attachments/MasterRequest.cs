using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>The interface that a container's one is to hang on, as the configuration says it.</summary>
/// <param name="Name">Its name; null: the one that the default route leaves by.</param>
/// <param name="InContainer">Whether it is in the container's namespace, and not the host's.</param>
/// <param name="Mtu">MTU of the container's interface in bytes; null: the master's.</param>
public sealed record MasterRequest(string? Name, bool InContainer, int? Mtu)
{
    /// <summary>Reads <c>master</c>, <c>linkInContainer</c> and <c>mtu</c>.</summary>
    /// <exception cref="CniException">No name for an interface, or out of range (7).</exception>
    public static MasterRequest Read(ConfigObject root)
    {
        string? name = root.FindString("master");
        if (!string.IsNullOrEmpty(name) && CniNames.FindInterfaceNameFault(name) is string fault)
        {
            throw new CniException(CniErrorCode.InvalidConfig, $"master \"{name}\" is no name for an interface: {fault}");
        }

        return new MasterRequest(string.IsNullOrEmpty(name) ? null : name, root.FindBool("linkInContainer") ?? false, InterfaceKeys.ReadMtu(root));
    }

    /// <summary>Finds it.</summary>
    /// <exception cref="CniException">It is not there, or its MTU is smaller than what is asked for (7).</exception>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public Link Get(Host host, Sandbox sandbox)
    {
        RouteConnection route = InContainer ? sandbox.Route : host.Route;
        string where = InContainer ? "the container" : "this host";
        Link master = Name is not null
            ? route.FindLink(Name) ?? throw Invalid($"master {Name} is not there in {where}: create it, or name another interface")
            : FindDefault(route) ?? throw Invalid($"{where} has no default route, whose interface would be the master: set \"master\"");
        return Mtu is null || Mtu <= master.Mtu ? master : throw Invalid($"mtu {Mtu} is more than the {master.Mtu} of the master {master.Name}");
    }

    /// <summary>By the default route that counts: IPv4 before IPv6, then the smallest metric.</summary>
    private static Link? FindDefault(RouteConnection route)
    {
        IpRoute? best = route.ListRoutes()
            .Where(static each => each.PrefixLength == 0 && each.Type == RTN.UNICAST && each.Table == (uint)RT_TABLE.MAIN)
            .OrderBy(static each => each.Destination.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)
            .ThenBy(static each => each.Priority ?? 0)
            .FirstOrDefault();
        return best is null ? null : route.FindLink(best.Output);
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
