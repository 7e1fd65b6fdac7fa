using System.Net.Sockets;

namespace CniPlugins.Ipam;

/// <summary>What a network's containers get addresses from: one address from each range set.</summary>
public sealed class AddressPlan
{
    private readonly RangeSet[] _sets;

    /// <summary>Takes the sets in the order in which a container gets its addresses.</summary>
    /// <exception cref="IpamConfigException">There is none, or two of them overlap.</exception>
    public AddressPlan(params IEnumerable<RangeSet> sets)
    {
        _sets = [.. sets];
        if (_sets.Length == 0)
        {
            throw new IpamConfigException("no address range is given; \"subnet\" or \"ranges\" must name one");
        }

        for (int i = 0; i < _sets.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (_sets[i].Overlaps(_sets[j]))
                {
                    throw new IpamConfigException($"range set {j} ({_sets[j]}) overlaps range set {i} ({_sets[i]})");
                }
            }
        }
    }

    /// <summary>The range sets, in order.</summary>
    public IReadOnlyList<RangeSet> Sets => _sets;

    /// <summary>The plan without some addresses, and with others kept back for those who ask for them.</summary>
    /// <exception cref="IpamConfigException">Nothing is left of a set.</exception>
    public AddressPlan Restrict(IReadOnlyCollection<AddressSpan> excluded, IReadOnlyCollection<AddressSpan> reserved)
    {
        List<RangeSet> sets = [];
        foreach (RangeSet set in _sets)
        {
            sets.Add(set.Without(excluded).Reserve(reserved));
        }

        return new AddressPlan(sets);
    }

    /// <summary>How many sets are of a family; before CNI 0.3.0 a result had room for one address of each.</summary>
    public int Count(AddressFamily family)
    {
        int count = 0;
        foreach (RangeSet set in _sets)
        {
            count += set.Family == family ? 1 : 0;
        }

        return count;
    }
}
