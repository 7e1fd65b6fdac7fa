using System.Net;
using System.Net.Sockets;

namespace CniPlugins.Ipam;

/// <summary>Consecutive addresses of one subnet that may be given out, and the subnet's gateway, which may not.</summary>
public sealed class AddressRange
{
    /// <summary>
    /// Completes a range as the reference does: from the first host to the last (IPv4: the one before the broadcast address), with
    /// the first host as the gateway. Beyond the reference, /31 (RFC 3021) and /127 (RFC 6164) are allowed: the lower address is the gateway
    /// of such a point-to-point network, the upper one is given out.
    /// </summary>
    /// <param name="subnet">The subnet, without host bits.</param>
    /// <param name="start">The first address, inclusive; the network address itself is allowed.</param>
    /// <param name="end">The last address, inclusive.</param>
    /// <param name="gateway">The gateway; of the subnet's family, but it may lie outside.</param>
    /// <exception cref="IpamConfigException">The parts do not fit together.</exception>
    public AddressRange(IpPrefix subnet, IPAddress? start = null, IPAddress? end = null, IPAddress? gateway = null)
    {
        int hostBits = AddressMath.Bits(subnet.Family) - subnet.Length;
        if (hostBits < 1)
        {
            throw new IpamConfigException($"subnet {subnet} is too small to allocate from: it has a single address");
        }

        if (subnet.Number != subnet.First)
        {
            throw new IpamConfigException($"subnet {subnet} has host bits set; the network of that length is {subnet.Network}");
        }

        if (!subnet.IsIPv4 && subnet.Overlaps(IpPrefix.Of(0, 80)) && subnet.Length <= 80)
        {
            throw new IpamConfigException($"subnet {subnet} holds the IPv4-mapped addresses (::ffff:0:0/96), which are IPv4 addresses");
        }

        Subnet = subnet;
        bool pointToPoint = hostBits == 1;
        UInt128 firstHost = pointToPoint ? subnet.First : subnet.First + 1;
        UInt128 lastHost = subnet.IsIPv4 && !pointToPoint ? subnet.Last - 1 : subnet.Last;

        First = start is null ? firstHost : Inside("rangeStart", start);
        Last = end is null ? lastHost : Inside("rangeEnd", end);
        if (First > Last)
        {
            throw new IpamConfigException(
                $"rangeStart {AddressText.Format(First)} is after rangeEnd {AddressText.Format(Last)} in subnet {subnet}");
        }

        GatewayNumber = gateway is null ? firstHost : AddressMath.ToNumber(gateway);
        if (AddressMath.IsIPv4(GatewayNumber) != subnet.IsIPv4)
        {
            throw new IpamConfigException($"gateway {AddressText.Format(GatewayNumber)} is not of the same family as subnet {subnet}");
        }
    }

    private AddressRange(AddressRange whole, UInt128 first, UInt128 last) =>
        (Subnet, GatewayNumber, First, Last) = (whole.Subnet, whole.GatewayNumber, first, last);

    /// <summary>The subnet; leases carry its prefix length.</summary>
    public IpPrefix Subnet { get; }

    /// <summary>The first address, inclusive.</summary>
    public IPAddress Start => AddressMath.ToAddress(First);

    /// <summary>The last address, inclusive.</summary>
    public IPAddress End => AddressMath.ToAddress(Last);

    /// <summary>The gateway, which is never given out.</summary>
    public IPAddress Gateway => AddressMath.ToAddress(GatewayNumber);

    /// <summary>The family of all of it.</summary>
    public AddressFamily Family => Subnet.Family;

    internal UInt128 First { get; }

    internal UInt128 Last { get; }

    internal UInt128 GatewayNumber { get; }

    /// <summary>Whether an address is one of those from start to end (the gateway may be).</summary>
    public bool Contains(IPAddress address) => Contains(AddressMath.ToNumber(address));

    /// <summary>Whether the two have an address in common. Two parts of one subnet need not.</summary>
    public bool Overlaps(AddressRange other) =>
        Subnet.IsIPv4 == other.Subnet.IsIPv4 && First <= other.Last && other.First <= Last;

    /// <summary><c>start-end</c>.</summary>
    public override string ToString() => AddressText.Format(First) + "-" + AddressText.Format(Last);

    /// <summary>What is left of it without some addresses: itself, one or two pieces, or nothing.</summary>
    internal IEnumerable<AddressRange> Without(AddressSpan span)
    {
        if (span.Last < First || span.First > Last)
        {
            yield return this;
            yield break;
        }

        if (span.First > First)
        {
            yield return new AddressRange(this, First, span.First - 1);
        }

        if (span.Last < Last)
        {
            yield return new AddressRange(this, span.Last + 1, Last);
        }
    }

    internal bool Contains(UInt128 number) => number >= First && number <= Last;

    private UInt128 Inside(string key, IPAddress address)
    {
        UInt128 number = AddressMath.ToNumber(address);
        return Subnet.Contains(number)
            ? number
            : throw new IpamConfigException($"{key} {AddressText.Format(number)} is not in subnet {Subnet}");
    }
}
