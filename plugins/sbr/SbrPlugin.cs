using System.Net;
using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Sbr;

/// <summary>
/// The CNI type <c>sbr</c>: what a container sends from an address leaves by the interface that has the address, whatever other interfaces' routes say.
/// </summary>
public sealed class SbrPlugin : ChainedPlugin<SbrConfig>
{
    /// <summary>Talks to the kernel by these sockets.</summary>
    public SbrPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "sbr";

    /// <inheritdoc/>
    protected override SbrConfig? Read(CniRequest request, Host host) => SbrConfig.Read(request.Config.Root);

    /// <summary>Which addresses → which tables → noted → rules → routes copied into the tables → taken out of the main one.</summary>
    protected override AddResult Apply(SbrConfig config, Attachment attachment, AddResult previous)
    {
        RouteConnection route = attachment.Sandbox.Route;
        string ifName = attachment.Id.IfName;
        IReadOnlyList<ResultIp> ips = previous.AddressesOf(ifName);
        if (ips.Count == 0)
        {
            throw new CniException(CniErrorCode.InvalidConfig, $"routes cannot be chosen by source: prevResult has no address of {ifName} in the container");
        }

        Link link = GetInterface(attachment.Sandbox, ifName);
        using FileLock alone = attachment.Host.LockTables();
        IReadOnlyList<IpRoute> routes = config.Table is null ? ContainerRoutes.List(route, link.Index, (uint)RT_TABLE.MAIN) : [];
        IReadOnlyList<SourceRule> rules = SourceRule.Plan(route, ips, config.Table);
        attachment.Update(attachment.Record with { Saved = SourceRule.Save(rules, routes) });
        foreach (SourceRule rule in rules)
        {
            rule.Ensure(route);
            if (rule.IsOwnTable)
            {
                Fill(config, route, link, rule, ips, routes);
            }
        }

        foreach (IpRoute moved in routes.Reverse())
        {
            TakeFromMain(config, route, moved, ips);
        }

        return previous;
    }

    /// <inheritdoc/>
    protected override void CheckApplied(SbrConfig config, Inspection inspection)
    {
        RouteConnection route = inspection.Sandbox.Route;
        IReadOnlyList<PolicyRule> rules = route.ListRules();
        IReadOnlyList<IpRoute> routes = route.ListRoutes();
        foreach (ResultIp ip in inspection.Result.AddressesOf(inspection.IfName))
        {
            PolicyRule rule = rules.FirstOrDefault(each => SourceRule.IsOf(each, ip.Address) && (config.Table is null || each.Table == config.Table))
                ?? throw PrevResultCheck.Differs($"there is no rule for what {inspection.IfName} sends from {ip.Address}");
            if (config.Table is null && config.GatewayFor(ip) is IPAddress gateway
                && !routes.Any(each => each.Table == rule.Table && each.PrefixLength == 0 && gateway.Equals(each.Gateway)))
            {
                throw PrevResultCheck.Differs($"table {rule.Table}, by which packets from {ip.Address} are routed, has no default route via {gateway}");
            }
        }
    }

    /// <summary>Nothing is made to look for the namespace: where there is none, the rules and routes are gone with it.</summary>
    protected override void Remove(Removal removal) => removal.Steps.Try("remove its rules and put its routes back", () =>
    {
        if (removal.Sandbox?.Route is not RouteConnection route)
        {
            return;
        }

        Link? link = route.FindLink(removal.Id.IfName);
        if (removal.Record is AttachmentRecord record)
        {
            foreach (SourceRule rule in SourceRule.Read(record))
            {
                rule.Remove(route, link?.Index);
            }

            if (link is not null)
            {
                ContainerRoutes.Restore(route, ContainerRoutes.Read(record, link.Index));
            }

            return;
        }

        // The reference's: known by the addresses, which the result tells of where the interface is gone already.
        IEnumerable<IPAddress> addresses = (removal.Config.PrevResult?.AddressesOf(removal.Id.IfName) ?? []).Select(static ip => ip.Address)
            .Concat(link is null ? [] : route.ListAddresses(link.Index).Select(static address => address.Address));
        SourceRule.RemoveOf(route, [.. addresses]);
    });

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets)
    {
        using RouteConnection route = RouteConnection.Open(sockets);
        route.AddRule(new PolicyRule(IPAddress.Parse("192.0.2.1"), 32) { Table = 100 });
    }

    /// <summary>Copies what belongs to the address into its table, with a default route in any case.</summary>
    private static void Fill(SbrConfig config, RouteConnection route, Link link, SourceRule rule, IReadOnlyList<ResultIp> ips, IReadOnlyList<IpRoute> routes)
    {
        AddressFamily family = rule.Address.AddressFamily;
        ResultIp ip = ips.First(each => each.Address.Equals(rule.Address));
        IPAddress? gateway = config.GatewayFor(ip);
        bool isOnlyOne = ips.Count(each => each.Address.AddressFamily == family) == 1;
        IpPrefix network = new(ip.Address, ip.PrefixLength);
        bool hasDefault = false;
        foreach (IpRoute each in routes)
        {
            bool isDefault = each.PrefixLength == 0;
            bool belongs = each.Destination.AddressFamily == family && (isOnlyOne || (each.Source is null && each.Gateway is null)
                || Contains(network, each.Source) || Contains(network, each.Gateway) || Equals(each.Gateway, gateway));
            if (belongs && !(isDefault && config.FindOwnGateway(family) is not null))
            {
                ContainerRoutes.TryAdd(route, each with { Table = rule.Table });
                hasDefault |= isDefault;
            }
        }

        if (!hasDefault && gateway is not null)
        {
            IPAddress any = family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
            ContainerRoutes.TryAdd(route, new IpRoute(any, 0) { Gateway = gateway, Output = link.Index, Table = rule.Table });
        }
    }

    private static void TakeFromMain(SbrConfig config, RouteConnection route, IpRoute moved, IReadOnlyList<ResultIp> ips)
    {
        if (!config.AddSourceHints || moved.Gateway is not null)
        {
            route.TryDeleteRoute(moved);
        }
        else if (moved.Source is null
            && ips.FirstOrDefault(ip => new IpPrefix(moved.Destination, moved.PrefixLength) is IpPrefix on && Contains(on, ip.Address)) is ResultIp hint)
        {
            // The kernel takes it for the same route with another source: one has to go before the other comes.
            route.TryDeleteRoute(moved);
            ContainerRoutes.TryAdd(route, moved with { Source = hint.Address });
        }
    }

    private static bool Contains(IpPrefix network, IPAddress? address) =>
        address is not null && address.AddressFamily == network.Family && network.Contains(address);
}
