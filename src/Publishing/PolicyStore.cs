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
    private const int OverlapsAtOnce = 1024;

    private readonly NftConnection _connection;

    /// <summary>Works in the namespace in which the connection was opened, and takes it over.</summary>
    public PolicyStore(NftConnection connection)
    {
        _connection = connection;
        Forward = new ForwardAccess(connection);
        Reference = new ReferenceRuleStore(connection);
        Tables = new PolicyTables(connection);
    }

    /// <summary>What iptables would drop on its way through the host.</summary>
    public ForwardAccess Forward { get; }

    /// <summary>What the reference plugins left.</summary>
    public ReferenceRuleStore Reference { get; }

    /// <summary>The two tables as a whole.</summary>
    public PolicyTables Tables { get; }

    /// <summary>Called by <see cref="Add"/> where the table that it names is not there, before it is made; may bring it back.</summary>
    public Action<string> TableMissing { get; set; } = static _ => { };

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
        if (own.Count + shared.Count > 0)
        {
            Commit(own, shared, ports, new HashSet<RuleElement>(SameKey.Instance));
        }
    }

    /// <summary>Takes elements of an attachment out and puts others in, in one transaction: a port leads to the one place or to the other.</summary>
    /// <param name="removed">What is gone already is passed over.</param>
    /// <param name="own">As in <see cref="Add"/>.</param>
    /// <param name="shared">As in <see cref="Add"/>.</param>
    /// <param name="ports">What <paramref name="own"/> publishes, to name a port in a conflict.</param>
    /// <exception cref="PortConflictException">A port is published already.</exception>
    /// <exception cref="NftException">The kernel refused; nothing was changed.</exception>
    public void Change(
        IReadOnlyList<RuleElement> removed, IReadOnlyList<RuleElement> own, IReadOnlyList<RuleElement> shared, IReadOnlyList<PublishedPort> ports) =>
        Commit(own, shared, ports, new HashSet<RuleElement>(ListStillOurs(removed), SameKey.Instance));

    /// <summary>Removes elements; what is gone already is passed over.</summary>
    /// <exception cref="NftException">The kernel refused; nothing was changed.</exception>
    public void Remove(IReadOnlyList<RuleElement> elements)
    {
        NftTransaction transaction = new();
        foreach (RuleElement element in ListStillOurs(elements))
        {
            transaction.TryDeleteElement(SetOf(element)!, element.Element);
        }

        _connection.Commit(transaction);
    }

    /// <summary>Those of the elements that are not in the kernel as they should be.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<RuleElement> FindMissing(IReadOnlyList<RuleElement> elements)
    {
        List<RuleElement> missing = [];
        List<RuleElement> known = [];
        foreach (RuleElement element in elements)
        {
            (SetOf(element) is null ? missing : known).Add(element);
        }

        IReadOnlyList<NftElement?> found = FindElements(known);
        for (int i = 0; i < found.Count; i++)
        {
            if (found[i] is not NftElement present || !(known[i].Element.Data ?? []).AsSpan().SequenceEqual(present.Data ?? []))
            {
                missing.Add(known[i]);
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

        return (!others || Tables.HasRules(Ruleset.Table)) && (!spoofCheck || Tables.HasRules(SpoofCheck.Table));
    }

    /// <summary>
    /// The port that overlaps one published already: 0.0.0.0 overlaps every address, and the other way round. (The very same address
    /// and port needs no question: the kernel refuses the second element.)
    /// </summary>
    /// <param name="ports">Ports about to be published.</param>
    /// <param name="hostAddresses">The host's own addresses.</param>
    /// <param name="except">The comment of an attachment whose ports do not count.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public PortConflictException? FindOverlap(
        IReadOnlyList<PublishedPort> ports, Func<IReadOnlyList<IPAddress>> hostAddresses, string? except = null)
    {
        IReadOnlyList<IPAddress>? local = null;
        List<PublishedPort> askedFor = [];
        List<RuleElement> others = [];
        for (int i = 0; i < ports.Count; i++)
        {
            foreach (IPAddress address in Overlapping(ports[i], () => local ??= hostAddresses()))
            {
                askedFor.Add(ports[i]);
                others.Add(PolicyElements.Published(ports[i] with { HostAddress = address }, string.Empty));
            }

            // In parts: a host may have many addresses.
            if ((others.Count >= OverlapsAtOnce || i == ports.Count - 1) && FindFirst(askedFor, others, except) is PortConflictException conflict)
            {
                return conflict;
            }
        }

        return null;
    }

    /// <summary>Which of the ports cannot be published because another attachment has them, or has them on an address that overlaps.</summary>
    /// <param name="ports">Ports about to be published.</param>
    /// <param name="hostAddresses">The host's own addresses.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyDictionary<PublishedPort, PortConflictException> FindTaken(
        IReadOnlyList<PublishedPort> ports, Func<IReadOnlyList<IPAddress>> hostAddresses)
    {
        IReadOnlyList<IPAddress>? local = null;
        List<PublishedPort> askedFor = [];
        List<RuleElement> others = [];
        foreach (PublishedPort port in ports)
        {
            foreach (IPAddress address in (IEnumerable<IPAddress>)[port.HostAddress, .. Overlapping(port, () => local ??= hostAddresses())])
            {
                askedFor.Add(port);
                others.Add(PolicyElements.Published(port with { HostAddress = address }, string.Empty));
            }
        }

        Dictionary<PublishedPort, PortConflictException> taken = [];
        IReadOnlyList<NftElement?> found = FindElements(others);
        for (int i = 0; i < found.Count; i++)
        {
            if (found[i] is NftElement other)
            {
                taken.TryAdd(askedFor[i], new PortConflictException(askedFor[i], other.Comment, byProcess: false));
            }
        }

        return taken;
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

    private void Commit(
        IReadOnlyList<RuleElement> own, IReadOnlyList<RuleElement> shared, IReadOnlyList<PublishedPort> ports, HashSet<RuleElement> replaced)
    {
        HashSet<NftTable> missing = [];
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                _connection.Commit(Additions(own, shared, missing, replaced));
                return;
            }
            catch (NftException e) when (e.Errno == Errno.ENOENT && e.Set is not null && missing.Add(e.Set.Table))
            {
                // The first attachment on this host makes the table. Since somebody flushed the ruleset, there is more to bring back.
                TableMissing($"{e.Set.Table}");
            }
            catch (NftException e) when (e.Errno == Errno.EEXIST && e.Element is null && attempt < 4)
            {
                missing.Clear();   // another ADD made the table between our two attempts
            }
            catch (NftException e) when (e.Errno == Errno.EEXIST && e.Element is not null)
            {
                if (attempt > 4 || replaced.Contains(new RuleElement(e.Set!.Name, e.Element)))
                {
                    throw;   // it was deleted in the same transaction: asked for twice
                }

                // Left over by ourselves, or by the address's last owner, whose DEL never came: the lease says whose it is now.
                replaced.UnionWith(ListPresent(own, ports));
            }
        }
    }

    /// <summary>
    /// What is to be removed may be another's by now: an address was given on before its last owner's DEL came, or an ADD was refused a port, or killed
    /// before it knew, that its record names. What a bridge shares, and what is known by an interface's name, has no other owner.
    /// </summary>
    private List<RuleElement> ListStillOurs(IReadOnlyList<RuleElement> elements)
    {
        List<RuleElement> ours = [];
        List<RuleElement> contested = [];
        foreach (RuleElement element in elements)
        {
            if (SetOf(element) is NftSet set)
            {
                (Ruleset.IsContested(set) ? contested : ours).Add(element);
            }
        }

        IReadOnlyList<NftElement?> found = FindElements(contested);
        for (int i = 0; i < found.Count; i++)
        {
            if (found[i] is NftElement present && present.Comment == NftElement.Shown(contested[i].Element.Comment))
            {
                ours.Add(contested[i]);
            }
        }

        return ours;
    }

    private static NftTransaction Additions(
        IReadOnlyList<RuleElement> own, IReadOnlyList<RuleElement> shared, HashSet<NftTable> missing, HashSet<RuleElement> replaced)
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

    private static NftSet? SetOf(RuleElement element) => PolicyTables.FindSet(element.Set);

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

    private PortConflictException? FindFirst(List<PublishedPort> ports, List<RuleElement> elements, string? except)
    {
        IReadOnlyList<NftElement?> found = FindElements(elements);
        for (int i = 0; i < found.Count; i++)
        {
            if (found[i] is NftElement other && (except is null || other.Comment != NftElement.Shown(except)))
            {
                return new PortConflictException(ports[i], other.Comment, byProcess: false);
            }
        }

        ports.Clear();
        elements.Clear();
        return null;
    }

    private IReadOnlyList<NftElement?> FindElements(List<RuleElement> elements) =>
        elements.Count == 0 ? [] : _connection.FindElements(elements.ConvertAll(static element => (SetOf(element)!, element.Element)));

    /// <summary>Those of the elements whose key is in the kernel already, all found at once: after a crash it may be all of them.</summary>
    /// <exception cref="PortConflictException">A port is another attachment's.</exception>
    private List<RuleElement> ListPresent(IReadOnlyList<RuleElement> own, IReadOnlyList<PublishedPort> ports)
    {
        List<RuleElement> wanted = [.. own];
        IReadOnlyList<NftElement?> found = FindElements(wanted);
        List<RuleElement> present = [];
        for (int i = 0; i < found.Count; i++)
        {
            if (found[i] is not NftElement other)
            {
                continue;
            }

            if (PolicyElements.IsPublished(wanted[i]) && other.Comment != NftElement.Shown(wanted[i].Element.Comment))
            {
                PublishedPort port = ports.First(each => SameKey.Instance.Equals(PolicyElements.Published(each, string.Empty), wanted[i]));
                throw new PortConflictException(port, other.Comment, byProcess: false);
            }

            present.Add(wanted[i]);
        }

        return present;
    }
}
