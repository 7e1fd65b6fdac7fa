using System.Net.Sockets;

namespace CniPlugins.Ipam;

/// <summary>Where subnets come from when a network names none.</summary>
public static class SubnetPools
{
    /// <summary>
    /// The private blocks that Docker uses too (RFC 1918; not 10/8, which sites use most), 31 subnets; small enough to be made whenever they are needed.
    /// </summary>
    public static IReadOnlyList<SubnetPool> IPv4 { get; } =
    [
        Pool(172, 17, 16, 16), Pool(172, 18, 16, 16), Pool(172, 19, 16, 16),
        Pool(172, 20, 14, 16), Pool(172, 24, 14, 16), Pool(172, 28, 14, 16),
        Pool(192, 168, 16, 20),
    ];

    /// <summary>A host's own block of unique local addresses (RFC 4193, section 3.1: fd00::/8 and 40 random bits), cut into /64s.</summary>
    /// <param name="globalId">The random bits; what is above the lowest 40 is not used.</param>
    public static SubnetPool UniqueLocal(ulong globalId) =>
        new(IpPrefix.Of((UInt128)0xFD << 120 | (UInt128)(globalId & 0xFF_FFFF_FFFF) << 80, 48), 64);

    /// <summary>The pools of one family.</summary>
    public static IReadOnlyList<SubnetPool> Of(IReadOnlyList<SubnetPool> pools, AddressFamily family)
    {
        List<SubnetPool> some = [];
        foreach (SubnetPool pool in pools)
        {
            if (pool.Base.Family == family)
            {
                some.Add(pool);
            }
        }

        return some;
    }

    private static SubnetPool Pool(uint first, uint second, int length, int size) =>
        new(IpPrefix.Of(AddressMath.FromIPv4(first << 24 | second << 16), length), size);
}
