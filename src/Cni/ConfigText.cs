using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace CniPlugins.Cni;

/// <summary>
/// JSON as Go's encoding/json reads it: bytes that are not UTF-8 and lone surrogates become U+FFFD, nesting may be 10000 deep,
/// nothing may follow the value. The reader works without recursion, so depth costs no stack.
/// </summary>
public static class ConfigText
{
    private const int MaxDepth = 10000;

    // JsonDocument looks back over all that a container holds when it ends, so that deep *and* large costs depth times size (20 s
    // for 4 MB, 10000 deep). The product is bounded: a large text may be less deep, never less than any configuration is.
    private const int DepthBudget = 1 << 29;
    private const int EnoughDepth = 32;

    /// <summary>Reads a document whose root is an object.</summary>
    /// <param name="bytes">The text.</param>
    /// <param name="subject">What it is, for messages: <c>the network configuration</c>.</param>
    /// <exception cref="CniException">The text is not JSON, or no object (6).</exception>
    public static ConfigObject ParseObject(ReadOnlyMemory<byte> bytes, string subject)
    {
        JsonElement root = Parse(bytes, subject);
        return root.ValueKind == JsonValueKind.Object
            ? new ConfigObject(root, "")
            : throw new CniException(
                CniErrorCode.DecodingFailure, $"{subject}: expected a JSON object, found {ConfigErrors.Describe(root)}");
    }

    private static JsonElement Parse(ReadOnlyMemory<byte> bytes, string subject)
    {
        if (IsBlank(bytes.Span))
        {
            throw new CniException(CniErrorCode.DecodingFailure, $"{subject} is empty: a JSON object is expected");
        }

        int depth = Math.Clamp(DepthBudget / bytes.Length, EnoughDepth, MaxDepth);
        try
        {
            // Not disposed on purpose: elements are handed out, and a pool to return buffers to is of no use to a process of milliseconds.
            return JsonDocument.Parse(Repair(bytes), new JsonDocumentOptions { MaxDepth = depth }).RootElement;
        }
        catch (JsonException e)
        {
            long line = (e.LineNumber ?? 0) + 1;
            long column = (e.BytePositionInLine ?? 0) + 1;
            throw new CniException(
                CniErrorCode.DecodingFailure, $"{subject} is not valid JSON: look at line {line}, byte {column}", e.Message, e);
        }
    }

    private static bool IsBlank(ReadOnlySpan<byte> bytes) => bytes.Trim(" \t\r\n"u8).IsEmpty;

    private static ReadOnlyMemory<byte> Repair(ReadOnlyMemory<byte> bytes)
    {
        if (!Utf8.IsValid(bytes.Span))
        {
            bytes = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes.Span));
        }

        return RepairSurrogates(bytes);
    }

    // A backslash stands inside strings only, so that escapes are found without reading the JSON around them.
    private static ReadOnlyMemory<byte> RepairSurrogates(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> text = bytes.Span;
        byte[]? copy = null;
        int at = 0;
        while (at < text.Length)
        {
            int next = text[at..].IndexOf((byte)'\\');
            if (next < 0)
            {
                break;
            }

            at += next;
            int unit = EscapedUnit(text, at);
            if (!char.IsSurrogate((char)unit))
            {
                at += 2;
                continue;
            }

            if (char.IsHighSurrogate((char)unit) && char.IsLowSurrogate((char)EscapedUnit(text, at + 6)))
            {
                at += 12;
                continue;
            }

            copy ??= bytes.ToArray();
            "\\ufffd"u8.CopyTo(copy.AsSpan(at));
            at += 6;
        }

        return copy ?? bytes;
    }

    private static int EscapedUnit(ReadOnlySpan<byte> text, int at)
    {
        if (at + 6 > text.Length || text[at] != '\\' || text[at + 1] != 'u')
        {
            return 0;
        }

        int value = 0;
        foreach (byte digit in text.Slice(at + 2, 4))
        {
            if (!char.IsAsciiHexDigit((char)digit))
            {
                return 0;
            }

            value = (value << 4) + (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }

        return value;
    }
}
