using System.Net;
using System.Net.Sockets;

namespace CniPlugins.Ipam;

/// <summary>Ranges of one family that serve one address of every container; used in their order.</summary>
public sealed class RangeSet
{
    private readonly AddressRange[] _ranges;
    private readonly AddressRange[] _automatic;

    /// <summary>Takes ranges as they are, having seen that they fit together.</summary>
    /// <exception cref="IpamConfigException">There is none, their families differ, or they overlap.</exception>
    public RangeSet(params IEnumerable<AddressRange> ranges)
    {
        _automatic = _ranges = [.. ranges];
        if (_ranges.Length == 0)
        {
            throw new IpamConfigException("a range set is empty; it must hold one range at least");
        }

        for (int i = 0; i < _ranges.Length; i++)
        {
            if (_ranges[i].Family != _ranges[0].Family)
            {
                throw new IpamConfigException(
                    $"ranges {_ranges[0]} and {_ranges[i]} are of different families; IPv4 and IPv6 need a range set each");
            }

            for (int j = 0; j < i; j++)
            {
                if (_ranges[i].Overlaps(_ranges[j]))
                {
                    throw new IpamConfigException($"ranges {_ranges[j]} and {_ranges[i]} overlap");
                }
            }
        }
    }

    private RangeSet(AddressRange[] ranges, List<AddressRange> automatic) => (_ranges, _automatic) = (ranges, [.. automatic]);

    /// <summary>The ranges, in order.</summary>
    public IReadOnlyList<AddressRange> Ranges => _ranges;

    /// <summary>The family of all of them.</summary>
    public AddressFamily Family => _ranges[0].Family;

    /// <summary>Whether one of the ranges holds the address.</summary>
    public bool Contains(IPAddress address) => IndexOf(AddressMath.ToNumber(address)) >= 0;

    /// <summary>Whether the two sets have an address in common.</summary>
    public bool Overlaps(RangeSet other)
    {
        foreach (AddressRange range in _ranges)
        {
            foreach (AddressRange theirs in other._ranges)
            {
                if (range.Overlaps(theirs))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>The set without some addresses, which are then neither given out nor to be had by request: ranges are cut in pieces.</summary>
    /// <exception cref="IpamConfigException">Nothing is left.</exception>
    public RangeSet Without(IEnumerable<AddressSpan> excluded) => Cut(_ranges, excluded) is { Count: > 0 } pieces
        ? new RangeSet(pieces)
        : throw new IpamConfigException($"all addresses of range set {this} are excluded");

    /// <summary>The set with some addresses kept back: to be had by request, but not given out otherwise.</summary>
    public RangeSet Reserve(IEnumerable<AddressSpan> reserved) => new(_ranges, Cut(_ranges, reserved));

    /// <summary>Its ranges, separated by commas.</summary>
    public override string ToString() => string.Join(',', (object[])_ranges);

    /// <summary>The pieces of the ranges that are given out to whoever asks for no address in particular, in order.</summary>
    internal IReadOnlyList<AddressRange> Automatic => _automatic;

    /// <summary>The range that holds a number; -1 when none does.</summary>
    internal int IndexOf(UInt128 number) => IndexOf(_ranges, number);

    /// <summary>The piece that is given out and holds a number; -1 when none does.</summary>
    internal int IndexOfAutomatic(UInt128 number) => IndexOf(_automatic, number);

    /// <summary>How many addresses can be leased without asking for them: all but gateways.</summary>
    internal UInt128 Capacity()
    {
        UInt128 total = 0;
        foreach (AddressRange range in _automatic)
        {
            total += range.Last - range.First + (range.Contains(range.GatewayNumber) ? 0u : 1u);
        }

        return total;
    }

    private static int IndexOf(AddressRange[] ranges, UInt128 number)
    {
        for (int i = 0; i < ranges.Length; i++)
        {
            if (ranges[i].Contains(number))
            {
                return i;
            }
        }

        return -1;
    }

    private static List<AddressRange> Cut(IEnumerable<AddressRange> ranges, IEnumerable<AddressSpan> spans)
    {
        List<AddressRange> left = [.. ranges];
        foreach (AddressSpan span in spans)
        {
            List<AddressRange> pieces = [];
            foreach (AddressRange range in left)
            {
                pieces.AddRange(range.Without(span));
            }

            left = pieces;
        }

        return left;
    }
}
