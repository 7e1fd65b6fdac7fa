using System.Net;
using System.Net.Sockets;

namespace CniPlugins.Ipam;

/// <summary>Consecutive addresses of one family, wherever they begin and end.</summary>
public readonly record struct AddressSpan
{
    private AddressSpan(UInt128 first, UInt128 last) => (First, Last) = (first, last);

    /// <summary>Whether it is of IPv4.</summary>
    public bool IsIPv4 => AddressMath.IsIPv4(First);

    /// <summary>The first address, as a number (<see cref="AddressMath.ToNumber"/>).</summary>
    public UInt128 First { get; }

    /// <summary>The last address, as a number.</summary>
    public UInt128 Last { get; }

    /// <summary>All addresses of a family.</summary>
    public static AddressSpan All(AddressFamily family) =>
        Of(new IpPrefix(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));

    /// <summary>The addresses of a family that are in none of the spans, in ascending order.</summary>
    public static IReadOnlyList<AddressSpan> Except(AddressFamily family, IReadOnlyList<AddressSpan> spans)
    {
        AddressSpan all = All(family);
        List<AddressSpan> rest = [];
        UInt128 next = all.First;
        foreach (AddressSpan span in spans.OrderBy(static span => span.First))
        {
            if (span.First > next)
            {
                rest.Add(new AddressSpan(next, span.First - 1));
            }

            if (span.Last >= all.Last)
            {
                return rest;
            }

            next = UInt128.Max(next, span.Last + 1);
        }

        rest.Add(new AddressSpan(next, all.Last));
        return rest;
    }

    /// <summary>All addresses of a prefix.</summary>
    public static AddressSpan Of(IpPrefix prefix) => new(prefix.First, prefix.Last);

    /// <summary>Reads an address, a prefix such as <c>10.1.0.0/28</c> (host bits do not matter), or <c>first-last</c>, both inclusive.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out AddressSpan span)
    {
        span = default;
        if (IpPrefix.TryParse(text, out IpPrefix prefix))
        {
            span = Of(prefix);
            return true;
        }

        int dash = text.IndexOf('-');
        ReadOnlySpan<char> from = dash < 0 ? text : text[..dash];
        ReadOnlySpan<char> to = dash < 0 ? text : text[(dash + 1)..];
        if (!AddressText.TryParseNumber(from, out UInt128 first) || !AddressText.TryParseNumber(to, out UInt128 last)
            || first > last || AddressMath.IsIPv4(first) != AddressMath.IsIPv4(last))
        {
            return false;
        }

        span = new AddressSpan(first, last);
        return true;
    }

    /// <summary>Whether the address is one of them.</summary>
    public bool Contains(IPAddress address) => AddressMath.ToNumber(address) is UInt128 number && number >= First && number <= Last;

    /// <summary><c>first-last</c>, or the one address.</summary>
    public override string ToString() =>
        First == Last ? AddressText.Format(First) : AddressText.Format(First) + "-" + AddressText.Format(Last);
}
