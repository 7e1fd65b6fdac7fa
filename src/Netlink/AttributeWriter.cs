using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink;

/// <summary>
/// Writes attributes of one scope (<c>IFLA_*</c>, <c>RTA_*</c>, …) at the end of a message. It is a view: the cursor is the
/// message's own <c>nlmsg_len</c>, so copies of a writer and writers of other scopes may be used side by side. Width and byte
/// order stand in the method's name, as in the kernel's <c>nla_put_u32</c>. Layout: <c>struct nlattr</c> (u16 length without padding,
/// u16 type), value, padding to 4 bytes; include/uapi/linux/netlink.h.
/// </summary>
/// <typeparam name="TAttribute">The scope's enum; its underlying type is ushort.</typeparam>
public readonly ref struct AttributeWriter<TAttribute>
    where TAttribute : unmanaged, Enum
{
    private readonly Span<byte> _message;

    internal AttributeWriter(Span<byte> message) => _message = message;

    /// <summary>A u8.</summary>
    public void PutU8(TAttribute type, byte value) => Append(type, 1)[0] = value;

    /// <summary>A u16 in host order.</summary>
    public void PutU16(TAttribute type, ushort value) => Unsafe.WriteUnaligned(ref Append(type, 2)[0], value);

    /// <summary>A u16 in network order: ports, nf_tables.</summary>
    public void PutU16BigEndian(TAttribute type, ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Append(type, 2), value);

    /// <summary>A u32 in host order.</summary>
    public void PutU32(TAttribute type, uint value) => Unsafe.WriteUnaligned(ref Append(type, 4)[0], value);

    /// <summary>An s32 in host order.</summary>
    public void PutS32(TAttribute type, int value) => Unsafe.WriteUnaligned(ref Append(type, 4)[0], value);

    /// <summary>A u64 in host order.</summary>
    public void PutU64(TAttribute type, ulong value) => Unsafe.WriteUnaligned(ref Append(type, 8)[0], value);

    /// <summary>A u32 in network order: nf_tables.</summary>
    public void PutU32BigEndian(TAttribute type, uint value) => BinaryPrimitives.WriteUInt32BigEndian(Append(type, 4), value);

    /// <summary>A u64 in network order: nf_tables.</summary>
    public void PutU64BigEndian(TAttribute type, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Append(type, 8), value);

    /// <summary>Bytes as they are.</summary>
    public void PutBytes(TAttribute type, scoped ReadOnlySpan<byte> value) => value.CopyTo(Append(type, value.Length));

    /// <summary>A kernel structure.</summary>
    public void PutStruct<TStruct>(TAttribute type, TStruct value)
        where TStruct : unmanaged => Unsafe.WriteUnaligned(ref Append(type, Unsafe.SizeOf<TStruct>())[0], value);

    /// <summary>An IP address, 4 or 16 bytes in network order.</summary>
    public void PutAddress(TAttribute type, IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        PutBytes(type, bytes[..length]);
    }

    /// <summary>An Ethernet address, 6 bytes in network order.</summary>
    public void PutMac(TAttribute type, MacAddress address) => address.WriteTo(Append(type, 6));

    /// <summary>Text in UTF-8 with the closing NUL.</summary>
    public void PutString(TAttribute type, string value)
    {
        Span<byte> target = Append(type, Encoding.UTF8.GetByteCount(value) + 1);
        target[Encoding.UTF8.GetBytes(value, target)] = 0;
    }

    /// <summary>
    /// Opens a nested scope (NLA_F_NESTED); its length is written when the scope is disposed. A scope that is never disposed is found
    /// by <see cref="NetlinkMessage{TAttribute}.Seal"/>.
    /// </summary>
    public NestedScope Nest<TNested>(TAttribute type, out AttributeWriter<TNested> nested)
        where TNested : unmanaged, Enum
    {
        int start = Open(type, NLA.F_NESTED);
        MessageBuffer.CountScope(_message, 1);
        nested = new AttributeWriter<TNested>(_message);
        return new NestedScope(_message, start);
    }

    /// <summary>Opens a nested scope that begins with a structure: a veth's peer begins with <c>struct ifinfomsg</c>.</summary>
    public NestedScope NestAfter<THeader, TNested>(TAttribute type, THeader header, out AttributeWriter<TNested> nested)
        where THeader : unmanaged
        where TNested : unmanaged, Enum
    {
        NestedScope scope = Nest(type, out nested);
        Unsafe.WriteUnaligned(ref MessageBuffer.Grow(_message, Unsafe.SizeOf<THeader>())[0], header);
        return scope;
    }

    /// <summary>A nested scope whose attributes' types are data, not names: a family, a sysctl number.</summary>
    public NestedScope NestNumbered<TNested>(ushort type, out AttributeWriter<TNested> nested)
        where TNested : unmanaged, Enum => Nest(Unsafe.BitCast<ushort, TAttribute>(type), out nested);

    private Span<byte> Append(TAttribute type, int length)
    {
        int start = Open(type, 0);
        Span<byte> value = MessageBuffer.Grow(_message, length);
        Unsafe.WriteUnaligned(ref _message[start], checked((ushort)(4 + length)));
        return value;
    }

    private int Open(TAttribute type, NLA flags)
    {
        int start = MessageBuffer.Length(_message);
        Span<byte> header = MessageBuffer.Grow(_message, 4);
        Unsafe.WriteUnaligned(ref header[0], (ushort)0);
        Unsafe.WriteUnaligned(ref header[2], (ushort)(Unsafe.BitCast<TAttribute, ushort>(type) | (ushort)flags));
        return start;
    }
}
