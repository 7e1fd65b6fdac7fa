using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink.Route;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// Puts back what others took away: a firewall's reload, <c>nft flush ruleset</c>, <c>iptables-restore</c>. The records say what should be there; what is there
/// and should not be goes. docs/adr/0011-reconcile.md says why it is done in this way.
/// </summary>
public static class Reconciliation
{
    /// <summary>What to do about a difference.</summary>
    public const string Advice = "run cni-reconcile on this host";

    private const int Attempts = 4;

    /// <summary>Compares and changes nothing.</summary>
    /// <exception cref="IOException">The kernel or the state directory refused.</exception>
    public static ReconcileReport Inspect(Host host)
    {
        using FileLock alone = host.Records.LockExclusive();
        return Run(host, [], repair: false);
    }

    /// <summary>Compares, and puts everything back if anything differs: both tables in one transaction.</summary>
    /// <exception cref="IOException">The kernel or the state directory refused.</exception>
    public static ReconcileReport Repair(Host host)
    {
        using FileLock alone = host.Records.LockExclusive();
        return Repair(host, []);
    }

    /// <summary>As <see cref="Repair(Host)"/>; the caller holds the state alone.</summary>
    /// <param name="host">The host.</param>
    /// <param name="underWay">Elements of an ADD that is not complete yet.</param>
    internal static ReconcileReport Repair(Host host, IReadOnlyList<RuleElement> underWay) => Run(host, underWay, repair: true);

    /// <summary>Makes sure that the elements just added have their rules.</summary>
    /// <exception cref="CniException">They have not, and cannot be given any (11).</exception>
    /// <exception cref="IOException">The kernel refused.</exception>
    internal static void RequireRules(Host host, IReadOnlyList<RuleElement> elements)
    {
        for (int attempt = 1; !host.Policy.RulesInPlace(elements) || (attempt > 1 && host.Policy.FindMissing(elements).Count > 0); attempt++)
        {
            // Another's repair between our own and our return to the lock knows nothing of this ADD, and is looked for as well.
            if (attempt > Attempts || host.Use is not StateUse use)
            {
                throw new CniException(
                    CniErrorCode.TryAgainLater, $"the rules of the nftables table \"inet cni_plugins\" were removed or changed: {Advice}");
            }

            use.Alone(() => Repair(host, elements));
        }
    }

    /// <summary>STATUS: whether the tables that we made have their rules. It lists no elements, takes no lock, and costs nothing where there are none.</summary>
    /// <exception cref="CniException">They have not, and containers are cut off or open (51).</exception>
    /// <exception cref="IOException">The kernel refused.</exception>
    internal static void RequireTables(Host host)
    {
        foreach (string table in PolicyTables.Names)
        {
            if (HostNotes.Has(host.State, table) && !host.Policy.Tables.HasRules(table))
            {
                throw new CniException(
                    CniErrorCode.LimitedConnectivity,
                    $"the nftables table \"{table}\" was removed or changed, and published ports and isolation of this host's containers with it: {Advice}");
            }
        }

        if (!host.Loopback.IsInPlace())
        {
            throw new CniException(
                CniErrorCode.LimitedConnectivity, $"the programs that serve ports on 127.0.0.1 and [::1] at the socket were taken away: {Advice}");
        }
    }

    private static ReconcileReport Run(Host host, IReadOnlyList<RuleElement> underWay, bool repair)
    {
        DesiredState desired = DesiredState.Read(host, underWay);
        List<string> differences = [];
        List<string> warnings = desired.Warnings;
        MendTables(host, desired, repair, differences);
        MendForwarded(host, desired, repair, differences);
        MendLoopback(host, desired, repair, differences);
        foreach (string name in desired.HasAttachments ? Forwarding.ListLost(host) : [])
        {
            differences.Add($"{name} was switched off");
            if (repair)
            {
                Forwarding.SwitchOn(host, name);
            }
        }

        // Only now: the guard against what others send to 127.0.0.1 stands.
        foreach (string device in desired.Localnet)
        {
            if (host.Route.FindLink(device) is Link link && Sysctl.Find($"net/ipv4/conf/{link.Name}/route_localnet") == "0")
            {
                differences.Add($"route_localnet of {device} was switched off");
                if (repair)
                {
                    host.Route.SetRouteLocalnet(link.Index, allowed: true);
                }
            }
        }

        return new ReconcileReport(differences, warnings);
    }

    private static void MendTables(Host host, DesiredState desired, bool repair, List<string> differences)
    {
        IReadOnlyList<RuleElement> elements = desired.Elements;
        IReadOnlyList<TableState> tables = host.Policy.Tables.Compare(elements);
        int before = differences.Count;
        foreach (TableState table in tables)
        {
            if (!table.IsInPlace)
            {
                differences.AddRange(table.Describe());
            }
            else if (table.IsPresent && !desired.HasAttachments)
            {
                differences.Add($"table {table.Table} is there, and no attachment");
            }
        }

        if (!repair)
        {
            return;
        }

        foreach (TableState table in tables)
        {
            if (table.Wanted > 0)
            {
                HostNotes.Add(host.State, table.Table);
            }
        }

        if (differences.Count == before)
        {
            return;
        }

        foreach (RuleElement refused in host.Policy.Tables.Replace(elements))
        {
            desired.Warnings.Add($"the kernel refused an element of {refused.Element.Comment} in set {refused.Set}: it contradicts another");
        }

        host.ForgetConnections(LostPorts(desired, tables));
    }

    /// <summary>Ports that led nowhere: a client that kept talking did so past the rules.</summary>
    private static List<PublishedPort> LostPorts(DesiredState desired, IReadOnlyList<TableState> tables)
    {
        HashSet<string> missing = [];
        foreach (TableState table in tables)
        {
            missing.UnionWith(table.Missing.Select(PolicyTables.Identity));
        }

        bool hadRules = tables[0].HasRules;
        return [.. desired.Ports.Where(port => !hadRules || missing.Contains(port.Key)).Select(static port => port.Value)];
    }

    private static void MendLoopback(Host host, DesiredState desired, bool repair, List<string> differences)
    {
        try
        {
            int count = host.Loopback.Compare(desired.Served, repair);
            if (count > 0)
            {
                differences.Add($"{count} ports on loopback addresses were not served at the socket as they should be");
            }
        }
        catch (CniException e)
        {
            desired.Warnings.Add(e.Message);
        }
    }

    private static void MendForwarded(Host host, DesiredState desired, bool repair, List<string> differences)
    {
        foreach ((string device, string adminChain) in desired.Forwarded)
        {
            if (host.Route.FindLink(device) is null || host.Policy.Forward.IsInPlace(device))
            {
                continue;
            }

            differences.Add($"iptables drops what comes from {device}, or goes there");
            if (repair)
            {
                host.Policy.Forward.Ensure(device, adminChain);
            }
        }
    }
}
