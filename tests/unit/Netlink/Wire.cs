using System.Buffers.Binary;
using System.Text;

namespace CniPlugins.UnitTests.Netlink;

/// <summary>
/// Reads and writes netlink without the code under test: messages as lines of text to be compared, and answers as a kernel writes them.
/// </summary>
internal static class Wire
{
    public const ushort Error = 2;
    public const ushort Done = 3;

    /// <summary>A message: header, payload, padding.</summary>
    public static byte[] Message(ushort type, ushort flags, uint sequence, params ReadOnlySpan<byte> payload)
    {
        byte[] bytes = new byte[(16 + payload.Length + 3) & ~3];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, 16 + payload.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), flags);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), sequence);
        payload.CopyTo(bytes.AsSpan(16));
        return bytes;
    }

    public static byte[] Attribute(ushort type, params ReadOnlySpan<byte> value)
    {
        byte[] bytes = new byte[(4 + value.Length + 3) & ~3];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2), type);
        value.CopyTo(bytes.AsSpan(4));
        return bytes;
    }

    public static byte[] Number(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }

    public static uint SequenceOf(ReadOnlySpan<byte> message) => BinaryPrimitives.ReadUInt32LittleEndian(message[8..]);

    public static byte[] Ack(ReadOnlySpan<byte> request) => Message(Error, 0x100, SequenceOf(request), [0, 0, 0, 0, .. request[..16]]);

    /// <summary>A refusal; capped ones hold the request's header alone, the others all of it.</summary>
    public static byte[] Refusal(ReadOnlySpan<byte> request, int errno, string? words = null, int? offset = null, bool capped = true)
    {
        byte[] attributes =
        [
            .. words is null ? [] : Attribute(1, Encoding.UTF8.GetBytes(words + '\0')),
            .. offset is int at ? Attribute(2, Number(at)) : [],
        ];
        ushort flags = (ushort)((capped ? 0x100 : 0) | (attributes.Length > 0 ? 0x200 : 0));
        return Message(Error, flags, SequenceOf(request), [.. Number(-errno), .. capped ? request[..16] : request, .. attributes]);
    }

    /// <summary>The messages of a datagram.</summary>
    public static IReadOnlyList<byte[]> Split(byte[] datagram)
    {
        List<byte[]> messages = [];
        for (int start = 0; start < datagram.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(datagram.AsSpan(start));
            messages.Add(datagram[start..(start + length)]);
            start += (length + 3) & ~3;
        }

        return messages;
    }

    /// <summary>
    /// What differs between a message of ours and another tool's, attribute by attribute in any order: "- " theirs, "+ " ours. Scopes that
    /// ours marks as nested are looked into in both, for older code does not mark them.
    /// </summary>
    public static IReadOnlyList<string> Difference(byte[] theirs, byte[] ours, int headerLength)
    {
        HashSet<string> nested = [];
        IReadOnlyList<string> mine = Lines(ours, headerLength, nested, collect: true);
        IReadOnlyList<string> other = Lines(theirs, headerLength, nested, collect: false);
        return
        [
            .. other.Except(mine).Order(StringComparer.Ordinal).Select(static l => "- " + l),
            .. mine.Except(other).Order(StringComparer.Ordinal).Select(static l => "+ " + l),
        ];
    }

    private static List<string> Lines(byte[] message, int headerLength, HashSet<string> nested, bool collect)
    {
        int attributes = 16 + headerLength;
        List<string> lines =
        [
            $"type {BinaryPrimitives.ReadUInt16LittleEndian(message.AsSpan(4))}",
            $"flags 0x{BinaryPrimitives.ReadUInt16LittleEndian(message.AsSpan(6)):x}",
            $"header {Hex(message.AsSpan(16, headerLength))}",
        ];
        Walk(message.AsSpan(attributes), "", lines, nested, collect);
        return lines;
    }

    private static void Walk(ReadOnlySpan<byte> rest, string path, List<string> lines, HashSet<string> nested, bool collect)
    {
        Dictionary<int, int> seen = [];
        while (rest.Length >= 4)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(rest);
            int type = BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]);
            int number = type & 0x3fff;
            int repeated = seen[number] = seen.GetValueOrDefault(number) + 1;
            string name = repeated == 1 ? $"{path}{number}" : $"{path}{number}#{repeated}";
            if (collect && (type & 0x8000) != 0)
            {
                nested.Add(name);
            }

            ReadOnlySpan<byte> value = rest[4..length];
            if (nested.Contains(name))
            {
                // A veth's peer begins with a struct ifinfomsg.
                Walk(name == "18/2/1" && value.Length >= 16 ? value[16..] : value, name + "/", lines, nested, collect);
            }
            else
            {
                lines.Add($"{name} = {Hex(value)}");
            }

            rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        }
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
