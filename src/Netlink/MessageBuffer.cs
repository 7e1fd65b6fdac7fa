using System.Runtime.CompilerServices;

namespace CniPlugins.Netlink;

/// <summary>
/// A message under construction: its first four bytes, <c>nlmsg_len</c>, are the cursor, and <c>nlmsg_pid</c>, which is 0 in what a
/// process sends, counts the nested scopes that are open.
/// </summary>
internal static class MessageBuffer
{
    private const int OpenScopesAt = 12;   // nlmsg_pid

    /// <summary>NLMSG_ALIGN and NLA_ALIGN: both round up to 4.</summary>
    public static int Align(int length) => (length + 3) & ~3;

    public static int Length(ReadOnlySpan<byte> message) => (int)Unsafe.ReadUnaligned<uint>(in message[0]);

    /// <summary>How many nested scopes are open.</summary>
    public static int OpenScopes(ReadOnlySpan<byte> message) => Unsafe.ReadUnaligned<int>(in message[OpenScopesAt]);

    /// <summary>A nested scope was opened (1) or closed (-1).</summary>
    public static void CountScope(Span<byte> message, int change) =>
        Unsafe.WriteUnaligned(ref message[OpenScopesAt], OpenScopes(message) + change);

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
