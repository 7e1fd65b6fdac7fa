using System.Runtime.CompilerServices;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink;

/// <summary>One message from the kernel, valid while the connection is not used again.</summary>
public readonly ref struct NetlinkReply
{
    internal NetlinkReply(NlMsgHdr header, ReadOnlySpan<byte> payload)
    {
        Header = header;
        Payload = payload;
    }

    /// <summary>Type, flags, sequence number.</summary>
    public NlMsgHdr Header { get; }

    /// <summary>What follows <c>struct nlmsghdr</c>.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The family's header at the start of the payload.</summary>
    /// <exception cref="NetlinkFormatException">Too short.</exception>
    public THeader HeaderAs<THeader>()
        where THeader : unmanaged => Payload.Length >= Unsafe.SizeOf<THeader>()
            ? Unsafe.ReadUnaligned<THeader>(in Payload[0])
            : throw new NetlinkFormatException($"a netlink message of {Payload.Length} bytes is too short for its header");

    /// <summary>The attributes after the family's header.</summary>
    /// <exception cref="NetlinkFormatException">Too short.</exception>
    public AttributeReader AttributesAfter<THeader>()
        where THeader : unmanaged
    {
        int start = MessageBuffer.Align(Unsafe.SizeOf<THeader>());
        return Payload.Length >= start
            ? new AttributeReader(Payload[start..])
            : throw new NetlinkFormatException($"a netlink message of {Payload.Length} bytes is too short for its header");
    }
}

/// <summary>Makes a value of a reply; null leaves the reply out.</summary>
public delegate T? ReplyParser<T>(NetlinkReply reply)
    where T : class;
