using System.Net;
using System.Net.Sockets;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Nftables;
using CniPlugins.Publishing.ReferenceRules;

namespace CniPlugins.Publishing;

/// <summary>
/// Puts elements into the two tables and takes them out, whole attachments at a time, each time in one transaction. Nothing is listed
/// and nothing flushed, whatever the number of elements.
/// </summary>
public sealed class PolicyStore : IDisposable
{
    private readonly NftConnection _connection;

    /// <summary>Works in the namespace in which the connection was opened, and takes it over.</summary>
    public PolicyStore(NftConnection connection)
    {
        _connection = connection;
        Forward = new ForwardAccess(connection);
        Reference = new ReferenceRuleStore(connection);
    }

    /// <summary>What iptables would drop on its way through the host.</summary>
    public ForwardAccess Forward { get; }

    /// <summary>What the reference plugins left.</summary>
    public ReferenceRuleStore Reference { get; }

    /// <summary>
    /// Adds what belongs to one attachment (<paramref name="own"/>) and what it shares with others of its network (<paramref name="shared"/>:
    /// may be there already). The tables are made if they are not there.
    /// </summary>
    /// <param name="own">An element whose key exists is a conflict.</param>
    /// <param name="shared">An element that exists is left.</param>
    /// <param name="ports">What <paramref name="own"/> publishes, to name a port in a conflict.</param>
    /// <exception cref="PortConflictException">A port is published already.</exception>
    /// <exception cref="NftException">The kernel refused; nothing was changed.</exception>
    public void Add(IReadOnlyList<RuleElement> own, IReadOnlyList<RuleElement> shared, IReadOnlyList<PublishedPort> ports)
    {
        if (own.Count + shared.Count == 0)
        {
            return;
        }

        HashSet<NftTable> missing = [];
        List<RuleElement> replaced = [];
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                _connection.Commit(Additions(own, shared, missing, replaced));
                return;
            }
            catch (NftException e) when (e.Errno == Errno.ENOENT && e.Set is not null && missing.Add(e.Set.Table))
            {
                // The first attachment on this host (or since somebody flushed the ruleset) makes the table.
            }
            catch (NftException e) when (e.Errno == Errno.EEXIST && e.Element is null && attempt < 4)
            {
                missing.Clear();   // another ADD made the table between our two attempts
            }
            catch (NftException e) when (e.Errno == Errno.EEXIST && e.Element is not null)
            {
                RuleElement element = new(e.Set!.Name, e.Element);
                if (Conflict(element, ports) is PortConflictException conflict)
                {
                    throw conflict;
                }

                if (replaced.Exists(each => each.Set == element.Set && each.Element.Key.AsSpan().SequenceEqual(element.Element.Key)))
                {
                    throw;   // it was deleted in the same transaction: asked for twice
                }

                // Left over by ourselves, or by the address's last owner, whose DEL never came: the lease says whose it is now.
                replaced.Add(element);
            }
        }
    }

    /// <summary>Removes elements; what is gone already is passed over.</summary>
    /// <exception cref="NftException">The kernel refused; nothing was changed.</exception>
    public void Remove(IReadOnlyList<RuleElement> elements)
    {
        NftTransaction transaction = new();
        foreach (RuleElement element in elements)
        {
            if (SetOf(element) is NftSet set && IsStillOurs(set, element.Element))
            {
                transaction.TryDeleteElement(set, element.Element);
            }
        }

        _connection.Commit(transaction);
    }

    /// <summary>Those of the elements that are not in the kernel as they should be.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<RuleElement> FindMissing(IReadOnlyList<RuleElement> elements)
    {
        List<RuleElement> missing = [];
        foreach (RuleElement element in elements)
        {
            NftElement? found = SetOf(element) is NftSet set ? _connection.FindElement(set, element.Element) : null;
            if (found is null || !(element.Element.Data ?? []).AsSpan().SequenceEqual(found.Data ?? []))
            {
                missing.Add(element);
            }
        }

        return missing;
    }

    /// <summary>Whether the rules that the elements need are all in place: false after somebody flushed their table.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool RulesInPlace(IReadOnlyList<RuleElement> elements)
    {
        bool spoofCheck = false;
        bool others = false;
        foreach (RuleElement element in elements)
        {
            bool ofSpoofCheck = SetOf(element)?.Table == SpoofCheck.Table;
            spoofCheck |= ofSpoofCheck;
            others |= !ofSpoofCheck;
        }

        return (!others || HasRules(Ruleset.Table, Ruleset.RuleCount)) && (!spoofCheck || HasRules(SpoofCheck.Table, SpoofCheck.RuleCount));
    }

    /// <summary>
    /// The port that overlaps one published already: 0.0.0.0 overlaps every address, and the other way round. (The very same address
    /// and port needs no question: the kernel refuses the second element.)
    /// </summary>
    /// <param name="ports">Ports about to be published.</param>
    /// <param name="hostAddresses">The host's own addresses.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public PortConflictException? FindOverlap(IReadOnlyList<PublishedPort> ports, Func<IReadOnlyList<IPAddress>> hostAddresses)
    {
        foreach (PublishedPort port in ports)
        {
            foreach (IPAddress address in Overlapping(port, hostAddresses))
            {
                RuleElement other = PolicyElements.Published(port with { HostAddress = address }, string.Empty);
                if (_connection.FindElement(SetOf(other)!, other.Element) is NftElement found)
                {
                    return new PortConflictException(port, found.Comment, byProcess: false);
                }
            }
        }

        return null;
    }

    /// <summary>Elements whose comment says that they belong to somebody the caller does not know.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<RuleElement> ListOwned(Func<string, bool> isStale)
    {
        List<RuleElement> stale = [];
        foreach (NftSet set in (IEnumerable<NftSet>)[.. Ruleset.OwnedSets, .. SpoofCheck.Sets])
        {
            foreach (NftElement element in _connection.ListElements(set))
            {
                if (element.Comment is string comment && isStale(comment))
                {
                    stale.Add(new RuleElement(set.Name, element));
                }
            }
        }

        return stale;
    }

    /// <summary>Makes the first table in a namespace that has none, to see whether this kernel can.</summary>
    /// <exception cref="NftException">The kernel refused.</exception>
    public void TryTables()
    {
        NftTransaction transaction = new();
        Ruleset.Create(transaction);
        _connection.Commit(transaction);
    }

    /// <summary>Removes both tables with all that is in them; no table is success.</summary>
    /// <exception cref="NftException">The kernel refused.</exception>
    public void RemoveTables()
    {
        foreach (NftTable table in (ReadOnlySpan<NftTable>)[Ruleset.Table, SpoofCheck.Table])
        {
            if (_connection.HasTable(table))
            {
                NftTransaction transaction = new();
                transaction.DeleteTable(table);
                _connection.Commit(transaction);
            }
        }
    }

    /// <summary>Closes the connection; after deletions this waits for an RCU grace period.</summary>
    public void Dispose() => _connection.Dispose();

    /// <summary>
    /// Asked again before it is denied: while another process's transaction is refused, its rules come and go uncounted, and the kernel's place in a list that it gives
    /// in parts slips by as many (__nf_tables_dump_rules) without a mark that the list changed.
    /// </summary>
    private bool HasRules(NftTable table, int count)
    {
        for (int attempt = 0; attempt < 10; attempt++)
        {
            if (_connection.HasTable(table) && _connection.CountRules(table) == count)
            {
                return true;
            }
        }

        return false;
    }

    private static NftTransaction Additions(
        IReadOnlyList<RuleElement> own, IReadOnlyList<RuleElement> shared, HashSet<NftTable> missing, List<RuleElement> replaced)
    {
        NftTransaction transaction = new();
        foreach (RuleElement element in replaced)
        {
            transaction.TryDeleteElement(SetOf(element)!, element.Element);
        }

        if (missing.Contains(Ruleset.Table))
        {
            Ruleset.Create(transaction);
        }

        if (missing.Contains(SpoofCheck.Table))
        {
            SpoofCheck.Create(transaction);
        }

        foreach (RuleElement element in shared)
        {
            transaction.AddElement(SetOf(element)!, element.Element);
        }

        foreach (RuleElement element in own)
        {
            transaction.AddElement(SetOf(element)!, element.Element, exclusive: true);
        }

        return transaction;
    }

    private static NftSet? SetOf(RuleElement element) => Ruleset.FindSet(element.Set) ?? SpoofCheck.FindSet(element.Set);

    private static IReadOnlyList<IPAddress> Overlapping(PublishedPort port, Func<IReadOnlyList<IPAddress>> hostAddresses)
    {
        if (!port.OnEveryAddress)
        {
            return [port.HostAddress.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any];
        }

        List<IPAddress> addresses = [];
        foreach (IPAddress address in hostAddresses())
        {
            if (address.AddressFamily == port.HostAddress.AddressFamily)
            {
                addresses.Add(address);
            }
        }

        return addresses;
    }

    /// <summary>
    /// What is to be removed may be another's by now: an address was given on before its last owner's DEL came, or an ADD was refused a port, or killed
    /// before it knew, that its record names. What a bridge shares, and what is known by an interface's name, has no other owner.
    /// </summary>
    private bool IsStillOurs(NftSet set, NftElement element) =>
        !Ruleset.IsContested(set)
        || _connection.FindElement(set, element) is not NftElement found
        || found.Comment == NftElement.Shown(element.Comment);

    /// <summary>The port that an element which exists already stands for, unless it is the very same attachment's.</summary>
    private PortConflictException? Conflict(RuleElement refused, IReadOnlyList<PublishedPort> ports)
    {
        foreach (PublishedPort port in ports)
        {
            RuleElement element = PolicyElements.Published(port, string.Empty);
            if (element.Set == refused.Set && element.Element.Key.AsSpan().SequenceEqual(refused.Element.Key))
            {
                string? owner = _connection.FindElement(SetOf(element)!, element.Element)?.Comment;
                return owner is not null && owner == NftElement.Shown(refused.Element.Comment)
                    ? null
                    : new PortConflictException(port, owner, byProcess: false);
            }
        }

        return null;
    }
}
