using System.Runtime.CompilerServices;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink;

/// <summary>One request: <c>struct nlmsghdr</c>, the family's header, attributes. A view of a buffer that its maker owns.</summary>
/// <typeparam name="TAttribute">The scope of the outermost attributes.</typeparam>
public readonly ref struct NetlinkMessage<TAttribute>
    where TAttribute : unmanaged, Enum
{
    private const int HeaderLength = 16;

    private readonly Span<byte> _buffer;

    private NetlinkMessage(Span<byte> buffer) => _buffer = buffer;

    /// <summary>Where the attributes go.</summary>
    public AttributeWriter<TAttribute> Attributes => new(_buffer);

    /// <summary>The message's sequence number.</summary>
    public uint Sequence => Header.Sequence;

    /// <summary>Length so far, a multiple of 4.</summary>
    public int Length => MessageBuffer.Length(_buffer);

    internal NlMsgHdr Header => Unsafe.ReadUnaligned<NlMsgHdr>(in _buffer[0]);

    /// <summary>Begins a message in the buffer.</summary>
    public static NetlinkMessage<TAttribute> Begin<THeader>(Span<byte> buffer, ushort type, NLM_F flags, uint sequence, THeader header)
        where THeader : unmanaged
    {
        Unsafe.WriteUnaligned(ref buffer[0], new NlMsgHdr
        {
            Length = HeaderLength,
            Type = type,
            Flags = (ushort)(flags | NLM_F.REQUEST),
            Sequence = sequence,
        });
        Unsafe.WriteUnaligned(ref MessageBuffer.Grow(buffer, Unsafe.SizeOf<THeader>())[0], header);
        return new NetlinkMessage<TAttribute>(buffer);
    }

    /// <summary>The finished bytes.</summary>
    /// <exception cref="InvalidOperationException">A nested scope was not disposed.</exception>
    public ReadOnlySpan<byte> Seal()
    {
        return MessageBuffer.OpenScopes(_buffer) == 0
            ? _buffer[..Length]
            : throw new InvalidOperationException("a nested netlink attribute was not closed");
    }
}
