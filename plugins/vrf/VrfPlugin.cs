using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Vrf;

/// <summary>The CNI type <c>vrf</c>: gives interfaces of a container a routing table of their own, so that their networks may overlap.</summary>
public sealed class VrfPlugin : ChainedPlugin<VrfConfig>
{
    private const string SavedName = "vrf";

    /// <summary>Talks to the kernel by these sockets.</summary>
    public VrfPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "vrf";

    /// <inheritdoc/>
    protected override VrfConfig? Read(CniRequest request, Host host) => VrfConfig.Read(request.Config.Root);

    /// <summary>Interface → routes noted → VRF → interface in it → addresses and routes again.</summary>
    protected override AddResult Apply(VrfConfig config, Attachment attachment, AddResult previous)
    {
        RouteConnection route = attachment.Sandbox.Route;
        Link link = GetInterface(attachment.Sandbox, attachment.Id.IfName);
        if (link.Master is InterfaceIndex master)
        {
            throw Invalid($"{link.Name} belongs to {route.FindLink(master)?.Name ?? "another interface"} already: an interface has one master");
        }

        using FileLock alone = attachment.Host.LockTables();
        Link? vrf = Find(route, config);
        IReadOnlyList<IpRoute> routes = ContainerRoutes.List(route, link.Index, (uint)RT_TABLE.MAIN);
        Dictionary<string, string> saved = new() { [SavedName] = config.Name };
        ContainerRoutes.Save(routes, saved);
        attachment.Update(attachment.Record with { Saved = saved });
        vrf ??= Add(route, config);
        Move(route, link, vrf.Index, routes, (uint)RT_TABLE.MAIN, TableOf(vrf));
        return previous;
    }

    /// <inheritdoc/>
    protected override void CheckApplied(VrfConfig config, Inspection inspection)
    {
        RouteConnection route = inspection.Sandbox.Route;
        Link vrf = Find(route, config) ?? throw PrevResultCheck.Differs($"the VRF {config.Name} in the container is gone");
        Link link = route.FindLink(inspection.IfName) ?? throw PrevResultCheck.Differs($"{inspection.IfName} in the container is gone");
        if (link.Master != vrf.Index)
        {
            throw PrevResultCheck.Differs($"{link.Name} in the container is not in the VRF {vrf.Name}");
        }

        if (!vrf.IsUp)
        {
            throw PrevResultCheck.Differs($"the VRF {vrf.Name} in the container is down");
        }
    }

    /// <summary>Sets the interface free if it is still there, and deletes the VRF with its last member.</summary>
    protected override void Remove(Removal removal) => removal.Steps.Try("take it out of its VRF", () =>
    {
        if (removal.Sandbox?.Route is not RouteConnection route || FindName(removal) is not string name
            || route.FindLink(name) is not { Kind: "vrf" } vrf)
        {
            return;
        }

        if (route.FindLink(removal.Id.IfName) is Link link && link.Master == vrf.Index)
        {
            IReadOnlyList<IpRoute> routes = removal.Record is AttachmentRecord record
                ? ContainerRoutes.Read(record, link.Index)
                : ContainerRoutes.List(route, link.Index, TableOf(vrf));
            Move(route, link, null, routes, TableOf(vrf), (uint)RT_TABLE.MAIN);
        }

        if (!route.ListLinks().Any(each => each.Master == vrf.Index))
        {
            route.TryDeleteLink(vrf.Index);
        }
    });

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets)
    {
        using RouteConnection route = RouteConnection.Open(sockets);
        route.AddLink(new LinkRequest { Name = "vrf", Kind = new VrfKind(1), Up = true });
    }

    private static string? FindName(Removal removal) =>
        removal.Record?.Saved.GetValueOrDefault(SavedName) ?? (removal.Config.Root.Has("vrfname") ? removal.Config.Root.FindString("vrfname") : null);

    private static Link? Find(RouteConnection route, VrfConfig config)
    {
        if (route.FindLink(config.Name) is not Link found)
        {
            return null;
        }

        if (found.Kind != "vrf")
        {
            throw Invalid($"{config.Name} in the container is no VRF, but a {found.Kind ?? "device"}: choose another vrfname");
        }

        return config.Table is uint table && table != TableOf(found)
            ? throw Invalid($"the VRF {config.Name} in the container has the table {TableOf(found)}, not {table}: leave table out, or choose another vrfname")
            : found;
    }

    private static Link Add(RouteConnection route, VrfConfig config)
    {
        uint table = config.Table ?? FreeTable(route);
        try
        {
            route.AddLink(new LinkRequest { Name = config.Name, Kind = new VrfKind(table), Up = true });
        }
        catch (NetlinkException e) when (e.Errno == Errno.EOPNOTSUPP)
        {
            throw new CniException(CniErrorCode.KernelLacksFeature, "this kernel has no VRF: load the module vrf, or use another kernel", e.Message, e);
        }

        return route.GetLink(config.Name);
    }

    private static uint FreeTable(RouteConnection route)
    {
        HashSet<uint> taken = [.. route.ListLinks().Where(static link => link.Kind == "vrf").Select(TableOf)];
        uint table = 1;
        while (taken.Contains(table) || table is >= (uint)RT_TABLE.COMPAT and <= (uint)RT_TABLE.LOCAL)
        {
            table++;
        }

        return table;
    }

    /// <summary>
    /// Moving an interface in or out takes it down and up again (cycle_netdev, drivers/net/vrf.c): its IPv6 addresses and all routes but those of its IPv4
    /// networks are lost, and made again here. Its part of an IPv6 multipath route is not: that comes back to life where it was (fib6_ifup, net/ipv6/route.c).
    /// </summary>
    private static void Move(RouteConnection route, Link link, InterfaceIndex? master, IReadOnlyList<IpRoute> routes, uint from, uint to)
    {
        IReadOnlyList<InterfaceAddress> addresses = route.ListAddresses(link.Index);
        route.SetMaster(link.Index, master);
        foreach (IpRoute left in ContainerRoutes.List(route, link.Index, from))
        {
            route.TryDeleteRoute(left);
        }

        foreach (InterfaceAddress address in addresses)
        {
            if (address.Address.AddressFamily == AddressFamily.InterNetworkV6 && !address.Address.IsIPv6LinkLocal)
            {
                // It was in use already: nobody else can have it.
                route.EnsureAddress(link.Index, address with { Flags = (address.Flags & IFA_F.NOPREFIXROUTE) | IFA_F.NODAD });
            }
        }

        ContainerRoutes.Ensure(route, [.. routes.Select(each => each with { Table = to })]);
    }

    private static uint TableOf(Link vrf) => vrf.Settings is VrfKind kind ? kind.Table : 0;

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
