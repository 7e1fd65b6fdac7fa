using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CniPlugins.Ipam;

/// <summary>
/// An address and a prefix length, as <c>10.1.2.3/24</c>. Unlike <see cref="IPNetwork"/> it keeps host bits, so that a configuration
/// which sets them can be told what it should have said.
/// </summary>
public readonly record struct IpPrefix
{
    /// <summary>Joins an address with a prefix length; IPv4-mapped addresses become IPv4 (and lose 96 from their length).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length does not fit the family.</exception>
    public IpPrefix(IPAddress address, int length)
    {
        Number = AddressMath.ToNumber(address);
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && AddressMath.IsIPv4(Number) && length >= 96)
        {
            length -= 96;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, AddressMath.IsIPv4(Number) ? 32 : 128);
        Length = length;
    }

    private IpPrefix(UInt128 number, int length) => (Number, Length) = (number, length);

    /// <summary>The address, host bits included.</summary>
    public IPAddress Address => AddressMath.ToAddress(Number);

    /// <summary>The prefix length.</summary>
    public int Length { get; }

    /// <summary>Its family.</summary>
    public AddressFamily Family => IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;

    /// <summary>The same prefix without host bits.</summary>
    public IpPrefix Network => new(First, Length);

    internal UInt128 Number { get; }

    internal bool IsIPv4 => AddressMath.IsIPv4(Number);

    internal UInt128 First => Number & ~Mask;

    internal UInt128 Last => Number | Mask;

    private UInt128 Mask => AddressMath.HostMask(Length, IsIPv4 ? 32 : 128);

    /// <summary>Reads <c>address/length</c>, strictly: decimal length without sign or leading zero.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpPrefix prefix)
    {
        prefix = default;
        int slash = text.IndexOf('/');
        if (slash < 0 || !AddressText.TryParseNumber(text[..slash], out UInt128 number))
        {
            return false;
        }

        ReadOnlySpan<char> digits = text[(slash + 1)..];
        if (digits.Length is < 1 or > 3 || (digits.Length > 1 && digits[0] == '0')
            || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int length))
        {
            return false;
        }

        // ::ffff:10.0.0.0/120 is 10.0.0.0/24.
        if (AddressMath.IsIPv4(number) && text[..slash].Contains(':'))
        {
            length -= 96;
        }

        if (length < 0 || length > (AddressMath.IsIPv4(number) ? 32 : 128))
        {
            return false;
        }

        prefix = new IpPrefix(number, length);
        return true;
    }

    /// <summary>Whether the address lies in it.</summary>
    public bool Contains(IPAddress address) => Contains(AddressMath.ToNumber(address));

    /// <summary>Whether the two have an address in common; never across families.</summary>
    public bool Overlaps(IpPrefix other) => IsIPv4 == other.IsIPv4 && First <= other.Last && other.First <= Last;

    /// <summary><c>address/length</c>.</summary>
    public override string ToString() => AddressText.Format(Number) + "/" + Length.ToString(CultureInfo.InvariantCulture);

    internal bool Contains(UInt128 number) => AddressMath.IsIPv4(number) == IsIPv4 && number >= First && number <= Last;

    internal static IpPrefix Of(UInt128 number, int length) => new(number, length);
}
