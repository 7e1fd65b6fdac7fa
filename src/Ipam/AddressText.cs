using System.Globalization;
using System.Net;

namespace CniPlugins.Ipam;

/// <summary>
/// Addresses as text, exactly as Go's <c>net</c> package reads and writes them: lease files are named by it, so a difference of one
/// letter would give an address twice. (.NET's own parser takes <c>10.1</c>, octal, zones and brackets, and its formatter writes
/// <c>::5efe:10.0.0.1</c> where Go writes <c>::5efe:a00:1</c>.)
/// </summary>
public static class AddressText
{
    /// <summary>
    /// Reads four decimal numbers without leading zeros, or eight groups with at most one <c>::</c> and an optional dotted tail.
    /// No zone, no port, no white space. What is IPv4-mapped comes out as IPv4.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IPAddress address)
    {
        bool valid = TryParseNumber(text, out UInt128 number);
        address = valid ? AddressMath.ToAddress(number) : IPAddress.None;
        return valid;
    }

    /// <summary>Dotted decimal, or the shortest lower-case form of RFC 5952; IPv4-mapped as IPv4.</summary>
    public static string Format(IPAddress address) => Format(AddressMath.ToNumber(address));

    internal static bool TryParseNumber(ReadOnlySpan<char> text, out UInt128 number)
    {
        number = default;
        if (text.Contains(':'))
        {
            return TryParseIPv6(text, out number);
        }

        bool valid = TryParseIPv4(text, out uint bits);
        number = valid ? AddressMath.FromIPv4(bits) : default;
        return valid;
    }

    internal static string Format(UInt128 number)
    {
        Span<char> text = stackalloc char[40];
        return AddressMath.IsIPv4(number) ? FormatIPv4((uint)(number & uint.MaxValue), text) : FormatIPv6(number, text);
    }

    private static bool TryParseIPv4(ReadOnlySpan<char> text, out uint bits)
    {
        bits = 0;
        for (int part = 0; part < 4; part++)
        {
            int end = part < 3 ? text.IndexOf('.') : text.Length;
            if (end is < 1 or > 3 || (end > 1 && text[0] == '0'))
            {
                return false;
            }

            uint value = 0;
            foreach (char digit in text[..end])
            {
                if (!char.IsAsciiDigit(digit))
                {
                    return false;
                }

                value = (value * 10) + (uint)(digit - '0');
            }

            if (value > 255)
            {
                return false;
            }

            bits = (bits << 8) | value;
            text = part < 3 ? text[(end + 1)..] : default;
        }

        return true;
    }

    private static bool TryParseIPv6(ReadOnlySpan<char> text, out UInt128 number)
    {
        number = 0;
        int groups = 0, gap = -1;
        if (text.StartsWith("::"))
        {
            gap = 0;
            text = text[2..];
        }

        while (!text.IsEmpty)
        {
            if (groups > 6 && text.Contains('.') || groups > 7)
            {
                return false;
            }

            int end = text.IndexOf(':');
            ReadOnlySpan<char> group = end < 0 ? text : text[..end];
            if (end < 0 && group.Contains('.'))
            {
                if (!TryParseIPv4(group, out uint tail))
                {
                    return false;
                }

                number = (number << 32) | tail;
                groups += 2;
                break;
            }

            if (group.Length is < 1 or > 4 || !IsHex(group))
            {
                return false;
            }

            number = (number << 16) | ushort.Parse(group, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            groups++;
            if (end < 0)
            {
                break;
            }

            text = text[(end + 1)..];
            if (text.StartsWith(":"))
            {
                if (gap >= 0)
                {
                    return false;
                }

                gap = groups;
                text = text[1..];
            }
            else if (text.IsEmpty)
            {
                return false;   // a single colon at the end
            }
        }

        return TryExpand(groups, gap, ref number);
    }

    /// <summary>Puts the zeros of <c>::</c> where they stood; it must stand for one group at least.</summary>
    private static bool TryExpand(int groups, int gap, ref UInt128 number)
    {
        if (gap < 0 || groups >= 8)
        {
            return gap < 0 && groups == 8;
        }

        int after = 16 * (groups - gap);
        UInt128 low = after == 0 ? 0 : number & ((UInt128.One << after) - 1);
        UInt128 high = after == 0 ? number : number >> after;
        int shift = 128 - (16 * gap);
        number = (gap == 0 ? 0 : high << shift) | low;
        return true;
    }

    private static bool IsHex(ReadOnlySpan<char> text)
    {
        foreach (char digit in text)
        {
            if (!char.IsAsciiHexDigit(digit))
            {
                return false;
            }
        }

        return true;
    }

    private static string FormatIPv4(uint bits, Span<char> text)
    {
        int length = 0;
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            ((bits >> shift) & 0xFF).TryFormat(text[length..], out int written, default, CultureInfo.InvariantCulture);
            length += written;
            if (shift > 0)
            {
                text[length++] = '.';
            }
        }

        return new string(text[..length]);
    }

    private static string FormatIPv6(UInt128 number, Span<char> text)
    {
        (int gap, int zeros) = LongestZeros(number);
        int length = 0;
        for (int group = 0; group < 8; group++)
        {
            if (group == gap)
            {
                text[length++] = ':';
                text[length++] = ':';
                group += zeros - 1;
                continue;
            }

            if (group > 0 && group != gap + zeros)
            {
                text[length++] = ':';
            }

            Group(number, group).TryFormat(text[length..], out int written, "x", CultureInfo.InvariantCulture);
            length += written;
        }

        return new string(text[..length]);
    }

    /// <summary>The first of the longest runs of at least two zero groups; RFC 5952 section 4.2.</summary>
    private static (int Start, int Length) LongestZeros(UInt128 number)
    {
        int best = -1, bestLength = 1;
        for (int start = 0; start < 8; start++)
        {
            int end = start;
            while (end < 8 && Group(number, end) == 0)
            {
                end++;
            }

            if (end - start > bestLength)
            {
                (best, bestLength) = (start, end - start);
            }

            start = Math.Max(start, end - 1);
        }

        return best < 0 ? (-9, 0) : (best, bestLength);
    }

    private static ushort Group(UInt128 number, int index) => (ushort)((number >> (16 * (7 - index))) & 0xFFFF);
}
