namespace CniPlugins.Publishing;

/// <summary>How one of the two tables differs from what it should be.</summary>
/// <param name="Table">Family and name, as <c>nft</c> says them.</param>
/// <param name="IsPresent">Whether it is there.</param>
/// <param name="HasRules">Whether it has all its rules.</param>
/// <param name="Missing">Elements that are not there, or with other data or another owner.</param>
/// <param name="Foreign">Elements that are nobody's.</param>
/// <param name="Wanted">How many elements there should be.</param>
public sealed record TableState(
    string Table, bool IsPresent, bool HasRules, IReadOnlyList<RuleElement> Missing, IReadOnlyList<RuleElement> Foreign, int Wanted)
{
    private const int MostNames = 4;

    /// <summary>Whether it is as it should be. An empty table is left: it goes with the host's last attachment.</summary>
    public bool IsInPlace => IsPresent ? HasRules && Missing.Count + Foreign.Count == 0 : Wanted == 0;

    /// <summary>Each difference in a few words.</summary>
    public IEnumerable<string> Describe()
    {
        if (!IsPresent)
        {
            if (Wanted > 0)
            {
                yield return $"table {Table} is gone, and with it {Count(Wanted)}";
            }

            yield break;
        }

        if (!HasRules)
        {
            yield return $"rules of table {Table} were removed or changed";
        }

        foreach ((string set, List<RuleElement> elements) in BySet(Missing))
        {
            yield return $"{Count(elements)} missing from set {set} of table {Table}: {Owners(elements)}";
        }

        foreach ((string set, List<RuleElement> elements) in BySet(Foreign))
        {
            yield return $"{Count(elements)} of no attachment in set {set} of table {Table}: {Owners(elements)}";
        }
    }

    private static Dictionary<string, List<RuleElement>> BySet(IReadOnlyList<RuleElement> elements)
    {
        Dictionary<string, List<RuleElement>> sets = [];
        foreach (RuleElement element in elements)
        {
            if (!sets.TryGetValue(element.Set, out List<RuleElement>? same))
            {
                sets[element.Set] = same = [];
            }

            same.Add(element);
        }

        return sets;
    }

    private static string Owners(List<RuleElement> elements)
    {
        HashSet<string> owners = [.. elements.Select(static element => element.Element.Comment ?? "no comment")];
        string first = string.Join(", ", owners.Take(MostNames));
        return owners.Count > MostNames ? $"{first} and {owners.Count - MostNames} more" : first;
    }

    private static string Count(List<RuleElement> elements) => Count(elements.Count);

    private static string Count(int number) => number == 1 ? "1 element" : $"{number} elements";
}
