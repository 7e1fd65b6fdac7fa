using System.Text;

namespace CniPlugins.Ipam;

/// <summary>Finds a subnet that nothing else uses.</summary>
public static class SubnetChooser
{
    // A VPN routes everything through itself by two halves (0.0.0.0/1 and 128.0.0.0/1, ::/1 and 8000::/1, or 2000::/3), which are more
    // specific than a default route and no more occupied than one.
    private const int WidestIPv4 = 2;
    private const int WidestIPv6 = 4;

    /// <summary>
    /// The first subnet, in the order of the pools, that overlaps none of the occupied prefixes: networks, routes, addresses and name
    /// servers, in any order and with host bits as they come. Prefixes that mean "everywhere" do not count.
    /// </summary>
    /// <exception cref="SubnetsExhaustedException">There is none.</exception>
    public static IpPrefix Choose(IReadOnlyList<SubnetPool> pools, IEnumerable<IpPrefix> occupied)
    {
        List<(UInt128 First, UInt128 Last)> taken = [];
        foreach (IpPrefix prefix in occupied)
        {
            if (prefix.Length >= (prefix.IsIPv4 ? WidestIPv4 : WidestIPv6))
            {
                taken.Add((prefix.First, prefix.Last));
            }
        }

        taken.Sort();
        foreach (SubnetPool pool in pools)
        {
            if (FindFree(pool, taken) is UInt128 first)
            {
                return IpPrefix.Of(first, pool.Size);
            }
        }

        throw new SubnetsExhaustedException(Describe(pools, taken));
    }

    private static UInt128? FindFree(SubnetPool pool, List<(UInt128 First, UInt128 Last)> taken)
    {
        UInt128 mask = AddressMath.HostMask(pool.Size, AddressMath.Bits(pool.Base.Family));
        UInt128 candidate = pool.Base.First;
        foreach ((UInt128 first, UInt128 last) in taken)
        {
            if (last < candidate)
            {
                continue;
            }

            if (first > (candidate | mask))
            {
                break;
            }

            // Taken, all of it or a part: on with the one after.
            if ((last | mask) >= pool.Base.Last)
            {
                return null;
            }

            candidate = (last | mask) + 1;
        }

        return candidate;
    }

    private static string Describe(IReadOnlyList<SubnetPool> pools, List<(UInt128 First, UInt128 Last)> taken)
    {
        StringBuilder text = new("no free subnet is left in the address pools: ");
        foreach (SubnetPool pool in pools)
        {
            int overlaps = 0;
            foreach ((UInt128 first, UInt128 last) in taken)
            {
                overlaps += first <= pool.Base.Last && last >= pool.Base.First ? 1 : 0;
            }

            text.Append($"{pool} (all {pool.Count} taken, by {overlaps} networks, routes or addresses), ");
        }

        text.Append(pools.Count == 0 ? "none is configured; " : string.Empty);
        return text.Append("remove unused networks, or name a subnet or further pools").ToString();
    }
}
