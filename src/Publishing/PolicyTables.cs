using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Nftables;

namespace CniPlugins.Publishing;

/// <summary>
/// The two tables as a whole: compared with what should be in them, and put back by one transaction, so that between the old ones and the new ones no packet
/// passes by none.
/// </summary>
public sealed class PolicyTables
{
    private const int Attempts = 8;
    private const int MostRefusals = 64;

    private readonly NftConnection _connection;

    internal PolicyTables(NftConnection connection) => _connection = connection;

    /// <summary>Their names, as <see cref="TableState.Table"/>.</summary>
    public static IReadOnlyList<string> Names => [$"{Ruleset.Table}", $"{SpoofCheck.Table}"];

    /// <summary>What an element is told apart by from others of its table.</summary>
    public static string Identity(RuleElement element) =>
        $"{element.Set} {Convert.ToHexString(element.Element.Key)} {(element.Element.KeyEnd is byte[] end ? Convert.ToHexString(end) : string.Empty)}";

    /// <summary>Whether the elements of a set name the attachment that they belong to.</summary>
    public static bool IsOwned(string set) => FindSet(set) is NftSet found && (found.Table == SpoofCheck.Table || Ruleset.OwnedSets.Contains(found));

    /// <summary>Whether an element has the form that its set demands, and so was written by us.</summary>
    public static bool IsWellFormed(RuleElement element) => FindSet(element.Set) is NftSet set
        && element.Element.Key.Length == NftDataTypes.Length(set.KeyTypes)
        && element.Element.KeyEnd?.Length == (set.Intervals ? element.Element.Key.Length : null)
        && element.Element.Data?.Length == (set.DataTypes.Count > 0 ? NftDataTypes.Length(set.DataTypes) : null);

    /// <summary>Whether the table of that name has all its rules: a question of the same price whatever the number of elements.</summary>
    /// <param name="table">Family and name, as <see cref="TableState.Table"/>.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool HasRules(string table) => HasRules($"{SpoofCheck.Table}" == table ? SpoofCheck.Table : Ruleset.Table);

    /// <summary>Compares the kernel's elements and rules with those that there should be: each set is listed once.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<TableState> Compare(IReadOnlyList<RuleElement> desired) =>
        [Compare(Ruleset.Table, Ruleset.Sets, desired), Compare(SpoofCheck.Table, SpoofCheck.Sets, desired)];

    /// <summary>Puts both tables in the place of what is there, in one transaction; a table without elements is removed.</summary>
    /// <returns>Elements that the kernel refused beside the others, and that were left out.</returns>
    /// <exception cref="NftException">The kernel refused; nothing was changed.</exception>
    public IReadOnlyList<RuleElement> Replace(IReadOnlyList<RuleElement> desired)
    {
        HashSet<NftElement> refused = new(ReferenceEqualityComparer.Instance);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                _connection.Commit(Replacement(desired, refused));
                return [.. desired.Where(element => refused.Contains(element.Element))];
            }
            catch (NftException e) when (e.Element is not null && refused.Count < MostRefusals && refused.Add(e.Element))
            {
                // One that contradicts another must not keep all the others away.
            }
            catch (NftException e) when (e.Errno is Errno.EEXIST or Errno.ENOENT && e.Element is null && attempt < Attempts)
            {
                // Somebody removed or made a table between our look and the transaction.
            }
        }
    }

    internal static NftSet? FindSet(string name) =>
        SpoofCheck.FindSet(name) ?? Ruleset.FindSet(name);

    /// <summary>
    /// Asked again before it is denied: while another process's transaction is refused, its rules come and go uncounted, and the kernel's place in a list that it gives
    /// in parts slips by as many (__nf_tables_dump_rules) without a mark that the list changed.
    /// </summary>
    internal bool HasRules(NftTable table)
    {
        int count = table == SpoofCheck.Table ? SpoofCheck.RuleCount : Ruleset.RuleCount;
        for (int attempt = 0; attempt < 10; attempt++)
        {
            if (_connection.HasTable(table) && _connection.CountRules(table) == count)
            {
                return true;
            }
        }

        return false;
    }

    private static NftTransaction Replacement(IReadOnlyList<RuleElement> desired, HashSet<NftElement> refused)
    {
        NftTransaction transaction = new();
        foreach (NftTable table in (ReadOnlySpan<NftTable>)[Ruleset.Table, SpoofCheck.Table])
        {
            transaction.TryDeleteTable(table);
            bool isMade = false;
            foreach (RuleElement element in desired)
            {
                NftSet set = FindSet(element.Set)!;
                if (set.Table != table || refused.Contains(element.Element))
                {
                    continue;
                }

                if (!isMade)
                {
                    Create(transaction, table);
                    isMade = true;
                }

                transaction.AddElement(set, element.Element, exclusive: true);
            }
        }

        return transaction;
    }

    private static void Create(NftTransaction transaction, NftTable table)
    {
        if (table == SpoofCheck.Table)
        {
            SpoofCheck.Create(transaction);
        }
        else
        {
            Ruleset.Create(transaction);
        }
    }

    private TableState Compare(NftTable table, IReadOnlyList<NftSet> sets, IReadOnlyList<RuleElement> desired)
    {
        Dictionary<string, RuleElement> wanted = [];
        foreach (RuleElement element in desired)
        {
            if (FindSet(element.Set)!.Table == table)
            {
                wanted[Identity(element)] = element;
            }
        }

        int count = wanted.Count;
        bool isPresent = _connection.HasTable(table);
        List<RuleElement> foreign = [];
        foreach (NftSet set in isPresent ? sets : [])
        {
            foreach (NftElement element in _connection.ListElements(set))
            {
                RuleElement found = new(set.Name, element);
                string identity = Identity(found);
                if (!wanted.TryGetValue(identity, out RuleElement? same))
                {
                    foreign.Add(found);
                }
                else if (IsSame(same.Element, element))
                {
                    wanted.Remove(identity);
                }
            }
        }

        return new TableState($"{table}", isPresent, isPresent && HasRules(table), [.. wanted.Values], foreign, count);
    }

    private static bool IsSame(NftElement wanted, NftElement found) =>
        (wanted.Data ?? []).AsSpan().SequenceEqual(found.Data ?? []) && NftElement.Shown(wanted.Comment) == found.Comment;
}
