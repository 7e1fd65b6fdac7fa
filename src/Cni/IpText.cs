using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CniPlugins.Cni;

/// <summary>
/// Addresses as Go's net package reads and writes them. .NET's own parser takes more (<c>10.1</c>, <c>0x7f.1</c>, brackets, zones),
/// and its own text has dotted tails in addresses that are not IPv4-mapped.
/// </summary>
public static class IpText
{
    /// <summary>Reads an address; null when the text is none. An IPv4-mapped IPv6 address is its IPv4 address.</summary>
    public static IPAddress? FindAddress(string text)
    {
        if (!text.Contains(':'))
        {
            return FindIPv4(text);
        }

        if (text.AsSpan().IndexOfAny("[]%/") >= 0 || !IPAddress.TryParse(text, out IPAddress? address)
            || address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return null;
        }

        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    /// <summary>Reads <c>10.1.0.5/24</c>, host bits kept; null when the text is no address with a prefix length.</summary>
    public static (IPAddress Address, int PrefixLength)? FindPrefix(string text)
    {
        int slash = text.IndexOf('/');
        if (slash < 0 || FindAddress(text[..slash]) is not { } address || FindNumber(text.AsSpan(slash + 1)) is not { } length)
        {
            return null;
        }

        bool mapped = address.AddressFamily == AddressFamily.InterNetwork && text[..slash].Contains(':');
        length -= mapped ? 96 : 0;
        return length >= 0 && length <= Bits(address) ? (address, length) : null;
    }

    /// <summary>Lower case, the longest run of zero groups shortened (RFC 5952).</summary>
    public static string Format(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetwork ? address.ToString() : FormatIPv6(address);
    }

    /// <summary><c>10.1.0.5/24</c>.</summary>
    public static string Format(IPAddress address, int prefixLength) => $"{Format(address)}/{prefixLength}";

    private static int Bits(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;

    private static IPAddress? FindIPv4(string text)
    {
        string[] parts = text.Split('.');
        if (parts.Length != 4)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[4];
        for (int i = 0; i < 4; i++)
        {
            if (FindNumber(parts[i]) is not { } number || number > 255)
            {
                return null;
            }

            bytes[i] = (byte)number;
        }

        return new IPAddress(bytes);
    }

    // No leading zeros: 010 is 8 to some readers and 10 to others.
    private static int? FindNumber(ReadOnlySpan<char> text) =>
        text.Length is >= 1 and <= 3 && (text.Length == 1 || text[0] != '0')
        && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;

    private static string FormatIPv6(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        (int start, int length) = LongestZeroRun(bytes);
        StringBuilder text = new(39);
        for (int i = 0; i < 8; i++)
        {
            if (i == start && length > 1)
            {
                text.Append("::");
                i += length - 1;
                continue;
            }

            if (text.Length > 0 && text[^1] != ':')
            {
                text.Append(':');
            }

            text.Append(((bytes[2 * i] << 8) | bytes[(2 * i) + 1]).ToString("x", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    private static (int Start, int Length) LongestZeroRun(ReadOnlySpan<byte> bytes)
    {
        (int Start, int Length) best = (-1, 0);
        int run = 0;
        for (int i = 0; i < 8; i++)
        {
            run = bytes[2 * i] == 0 && bytes[(2 * i) + 1] == 0 ? run + 1 : 0;
            if (run > best.Length)
            {
                best = (i - run + 1, run);
            }
        }

        return best;
    }
}
