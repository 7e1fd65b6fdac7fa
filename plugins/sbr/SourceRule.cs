using System.Globalization;
using System.Net;
using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Sbr;

/// <summary>The rule for packets from one address.</summary>
/// <param name="Address">The address.</param>
/// <param name="Table">The table that they are routed by.</param>
/// <param name="IsOwnTable">Whether the table is the address's own, and not one that the configuration names.</param>
internal sealed record SourceRule(IPAddress Address, uint Table, bool IsOwnTable)
{
    private const uint FirstTable = 100;   // as the reference
    private const string Own = "rule own ";
    private const string Shared = "rule ";

    private PolicyRule Rule => new(Address, LengthOf(Address)) { Table = Table };

    /// <summary>A rule for each address: to the table that is named, or each to one that nobody uses.</summary>
    public static IReadOnlyList<SourceRule> Plan(RouteConnection route, IReadOnlyList<ResultIp> ips, uint? table)
    {
        if (table is uint named)
        {
            return [.. ips.Select(ip => new SourceRule(ip.Address, named, false))];
        }

        HashSet<uint> used = [(uint)RT_TABLE.COMPAT, 253 /* RT_TABLE_DEFAULT */, (uint)RT_TABLE.MAIN, (uint)RT_TABLE.LOCAL];
        used.UnionWith(route.ListRules().Select(static rule => rule.Table));
        used.UnionWith(route.ListRoutes().Select(static each => each.Table));
        List<SourceRule> rules = [];
        uint next = FirstTable;
        foreach (ResultIp ip in ips)
        {
            while (!used.Add(next))
            {
                next++;
            }

            rules.Add(new SourceRule(ip.Address, next, true));
        }

        return rules;
    }

    /// <summary>What DEL needs: the rules, and the routes to put back.</summary>
    public static IReadOnlyDictionary<string, string> Save(IReadOnlyList<SourceRule> rules, IReadOnlyList<IpRoute> routes)
    {
        Dictionary<string, string> values = [];
        foreach (SourceRule rule in rules)
        {
            values[$"{(rule.IsOwnTable ? Own : Shared)}{rule.Address}"] = rule.Table.ToString(CultureInfo.InvariantCulture);
        }

        ContainerRoutes.Save(routes, values);
        return values;
    }

    /// <summary>The rules that a record holds.</summary>
    public static IEnumerable<SourceRule> Read(AttachmentRecord record)
    {
        foreach ((string name, string value) in record.Saved)
        {
            bool isOwn = name.StartsWith(Own, StringComparison.Ordinal);
            if (name.StartsWith(Shared, StringComparison.Ordinal) && IPAddress.TryParse(name[(isOwn ? Own : Shared).Length..], out IPAddress? address)
                && uint.TryParse(value, CultureInfo.InvariantCulture, out uint table))
            {
                yield return new SourceRule(address, table, isOwn);
            }
        }
    }

    /// <summary>Whether a rule is about packets from exactly this address.</summary>
    public static bool IsOf(PolicyRule rule, IPAddress address) => rule.PrefixLength == LengthOf(address) && rule.Source.Equals(address);

    /// <summary>Removes every rule about packets from exactly these addresses.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static void RemoveOf(RouteConnection route, IReadOnlyList<IPAddress> addresses)
    {
        foreach (PolicyRule rule in addresses.Count == 0 ? [] : route.ListRules())
        {
            if (addresses.Any(address => IsOf(rule, address)))
            {
                route.TryDeleteRule(rule);
            }
        }
    }

    /// <summary>Adds the rule, unless it is there.</summary>
    /// <exception cref="CniException">The kernel has no rules (101).</exception>
    public void Ensure(RouteConnection route)
    {
        try
        {
            route.AddRule(Rule);
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
        {
            // The very same: what it says is done.
        }
        catch (NetlinkException e) when (e.Errno == Errno.EOPNOTSUPP)
        {
            throw new CniException(
                CniErrorCode.KernelLacksFeature, "this kernel has no policy routing (CONFIG_IP_MULTIPLE_TABLES, CONFIG_IPV6_MULTIPLE_TABLES)", e.Message, e);
        }
    }

    /// <summary>Removes the rule, and what the interface has in the address's own table.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Remove(RouteConnection route, InterfaceIndex? link)
    {
        route.TryDeleteRule(Rule);
        if (IsOwnTable && link is InterfaceIndex index)
        {
            foreach (IpRoute each in ContainerRoutes.List(route, index, Table).Reverse())
            {
                route.TryDeleteRoute(each);
            }
        }
    }

    private static int LengthOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
}
