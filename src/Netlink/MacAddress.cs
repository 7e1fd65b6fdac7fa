using System.Globalization;

namespace CniPlugins.Netlink;

/// <summary>An Ethernet address: 48 bits, the first octet highest.</summary>
public readonly record struct MacAddress
{
    private readonly ulong _value;

    private MacAddress(ulong value) => _value = value;

    /// <summary>Whether it names one station: neither the group bit nor all zeros.</summary>
    public bool IsUnicast => ((_value >> 40) & 1) == 0 && _value != 0;

    /// <summary>Takes six bytes in network order.</summary>
    public static MacAddress FromBytes(ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        foreach (byte octet in bytes[..6])
        {
            value = (value << 8) | octet;
        }

        return new MacAddress(value);
    }

    /// <summary>Reads <c>02:42:ac:11:00:02</c>; also with <c>-</c>, in either case.</summary>
    public static bool TryParse(string text, out MacAddress address)
    {
        address = default;
        if (text.Length != 17 || text[2] is not (':' or '-'))
        {
            return false;
        }

        ulong value = 0;
        for (int i = 0; i < 17; i += 3)
        {
            if ((i > 0 && text[i - 1] != text[2])
                || !byte.TryParse(text.AsSpan(i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte octet))
            {
                return false;
            }

            value = (value << 8) | octet;
        }

        address = new MacAddress(value);
        return true;
    }

    /// <summary>Writes six bytes in network order.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        for (int i = 0; i < 6; i++)
        {
            bytes[i] = Octet(_value, i);
        }
    }

    /// <summary>Lower-case hexadecimal with colons.</summary>
    public override string ToString() => string.Create(17, _value, static (text, value) =>
    {
        const string Digits = "0123456789abcdef";
        for (int i = 0; i < 6; i++)
        {
            byte octet = Octet(value, i);
            text[3 * i] = Digits[octet >> 4];
            text[(3 * i) + 1] = Digits[octet & 15];
            if (i < 5)
            {
                text[(3 * i) + 2] = ':';
            }
        }
    });

    private static byte Octet(ulong value, int index) => (byte)((value >> (40 - (8 * index))) & 0xff);
}
