using System.Runtime.CompilerServices;

namespace CniPlugins.Netlink;

/// <summary>A message under construction: its first four bytes, <c>nlmsg_len</c>, are the cursor.</summary>
internal static class MessageBuffer
{
    /// <summary>NLMSG_ALIGN and NLA_ALIGN: both round up to 4.</summary>
    public static int Align(int length) => (length + 3) & ~3;

    public static int Length(ReadOnlySpan<byte> message) => (int)Unsafe.ReadUnaligned<uint>(in message[0]);

    /// <summary>Moves the cursor on by the length, zeroes what is passed, padding included, and returns the space.</summary>
    /// <exception cref="InvalidOperationException">The message outgrows its buffer.</exception>
    public static Span<byte> Grow(Span<byte> message, int length)
    {
        int start = Length(message);
        int end = start + Align(length);
        if (end > message.Length)
        {
            throw new InvalidOperationException($"a netlink message of more than {message.Length} bytes");
        }

        Unsafe.WriteUnaligned(ref message[0], (uint)end);
        message[start..end].Clear();
        return message.Slice(start, length);
    }
}
