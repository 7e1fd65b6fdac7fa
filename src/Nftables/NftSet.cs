using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables;

/// <summary>A set, or a map if it has data types. Several key types make a concatenation, <c>ipv4_addr . inet_service</c>.</summary>
/// <param name="Table">The table it is in.</param>
/// <param name="Name">Its name.</param>
/// <param name="KeyTypes">What a key consists of.</param>
public sealed record NftSet(NftTable Table, string Name, IReadOnlyList<NftDataType> KeyTypes)
{
    /// <summary>What a map's data consists of; empty for a set.</summary>
    public IReadOnlyList<NftDataType> DataTypes { get; init; } = [];

    /// <summary>Keys may be ranges (of a concatenation only): elements have an end key.</summary>
    public bool Intervals { get; init; }

    internal NFT_SET Flags => (DataTypes.Count > 0 ? NFT_SET.MAP : 0) | (Intervals ? NFT_SET.INTERVAL | NFT_SET.CONCAT : 0);
}
