namespace CniPlugins.Nftables;

/// <summary>
/// Types of set keys and data as the <c>nft</c> tool numbers them (nftables include/datatype.h, enum datatypes). The kernel does not read
/// them; they make <c>nft list</c> print an address as an address.
/// </summary>
public enum NftDataType
{
    /// <summary>4 bytes.</summary>
    Ipv4Address = 7,

    /// <summary>16 bytes.</summary>
    Ipv6Address = 8,

    /// <summary>6 bytes.</summary>
    EtherAddress = 9,

    /// <summary>1 byte: IPPROTO_*.</summary>
    InetProtocol = 12,

    /// <summary>2 bytes in network order: a port.</summary>
    InetService = 13,

    /// <summary>16 bytes, filled up with NULs.</summary>
    InterfaceName = 41,
}

/// <summary>Sizes and combinations of <see cref="NftDataType"/>.</summary>
public static class NftDataTypes
{
    private const int TypeBits = 6;   // nftables: TYPE_BITS

    /// <summary>Bytes of a value.</summary>
    public static int LengthOf(NftDataType type) => type switch
    {
        NftDataType.Ipv4Address => 4,
        NftDataType.Ipv6Address or NftDataType.InterfaceName => 16,
        NftDataType.EtherAddress => 6,
        NftDataType.InetProtocol => 1,
        NftDataType.InetService => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Bytes of a value within a concatenation: every field fills whole 32-bit registers.</summary>
    public static int PaddedLengthOf(NftDataType type) => (LengthOf(type) + 3) & ~3;

    /// <summary>The number of a type, or of a concatenation: 6 bits each, the first highest.</summary>
    internal static uint Number(IReadOnlyList<NftDataType> types)
    {
        uint number = 0;
        foreach (NftDataType type in types)
        {
            number = (number << TypeBits) | (uint)type;
        }

        return number;
    }

    /// <summary>Bytes of a key or of data: plain for a single type, padded for a concatenation.</summary>
    public static int Length(IReadOnlyList<NftDataType> types)
    {
        if (types.Count == 1)
        {
            return LengthOf(types[0]);
        }

        int length = 0;
        foreach (NftDataType type in types)
        {
            length += PaddedLengthOf(type);
        }

        return length;
    }
}
