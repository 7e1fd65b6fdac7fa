using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace CniPlugins.Netlink;

/// <summary>One attribute of a reply. Getters demand the exact length.</summary>
public readonly ref struct NetlinkAttribute
{
    internal NetlinkAttribute(ushort type, ReadOnlySpan<byte> value)
    {
        Type = type;
        Value = value;
    }

    /// <summary>The type without its two flag bits.</summary>
    public ushort Type { get; }

    /// <summary>The value without padding.</summary>
    public ReadOnlySpan<byte> Value { get; }

    /// <summary>The attributes within.</summary>
    public AttributeReader Nested => new(Value);

    /// <summary>The type as a member of its scope.</summary>
    public TAttribute As<TAttribute>()
        where TAttribute : unmanaged, Enum => Unsafe.BitCast<ushort, TAttribute>(Type);

    /// <summary>A u8.</summary>
    /// <exception cref="NetlinkFormatException">Another length.</exception>
    public byte GetU8() => Exactly(1)[0];

    /// <summary>A u16 in host order.</summary>
    /// <exception cref="NetlinkFormatException">Another length.</exception>
    public ushort GetU16() => Unsafe.ReadUnaligned<ushort>(in Exactly(2)[0]);

    /// <summary>A u16 in network order.</summary>
    /// <exception cref="NetlinkFormatException">Another length.</exception>
    public ushort GetU16BigEndian() => BinaryPrimitives.ReadUInt16BigEndian(Exactly(2));

    /// <summary>A u32 in host order.</summary>
    /// <exception cref="NetlinkFormatException">Another length.</exception>
    public uint GetU32() => Unsafe.ReadUnaligned<uint>(in Exactly(4)[0]);

    /// <summary>An s32 in host order.</summary>
    /// <exception cref="NetlinkFormatException">Another length.</exception>
    public int GetS32() => Unsafe.ReadUnaligned<int>(in Exactly(4)[0]);

    /// <summary>A u64 in host order.</summary>
    /// <exception cref="NetlinkFormatException">Another length.</exception>
    public ulong GetU64() => Unsafe.ReadUnaligned<ulong>(in Exactly(8)[0]);

    /// <summary>A u32 in network order.</summary>
    /// <exception cref="NetlinkFormatException">Another length.</exception>
    public uint GetU32BigEndian() => BinaryPrimitives.ReadUInt32BigEndian(Exactly(4));

    /// <summary>A u64 in network order.</summary>
    /// <exception cref="NetlinkFormatException">Another length.</exception>
    public ulong GetU64BigEndian() => BinaryPrimitives.ReadUInt64BigEndian(Exactly(8));

    /// <summary>A kernel structure, which a newer kernel may have made longer.</summary>
    /// <exception cref="NetlinkFormatException">Too short.</exception>
    public TStruct GetStruct<TStruct>()
        where TStruct : unmanaged
    {
        int size = Unsafe.SizeOf<TStruct>();
        return Value.Length >= size ? Unsafe.ReadUnaligned<TStruct>(in Value[0]) : throw Wrong(size);
    }

    /// <summary>Text up to the first NUL; bytes that are no UTF-8 are replaced.</summary>
    public string GetString()
    {
        int end = Value.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? Value : Value[..end]);
    }

    /// <summary>An IP address of 4 or 16 bytes.</summary>
    /// <exception cref="NetlinkFormatException">Another length.</exception>
    public IPAddress GetAddress() => Value.Length is 4 or 16 ? new IPAddress(Value) : throw Wrong(4);

    /// <summary>An Ethernet address of 6 bytes.</summary>
    /// <exception cref="NetlinkFormatException">Another length.</exception>
    public MacAddress GetMac() => MacAddress.FromBytes(Exactly(6));

    private ReadOnlySpan<byte> Exactly(int length) => Value.Length == length ? Value : throw Wrong(length);

    private NetlinkFormatException Wrong(int expected) =>
        new($"netlink attribute {Type}: expected {expected} bytes, got {Value.Length}");
}
