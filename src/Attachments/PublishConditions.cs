using System.Net;
using System.Net.Sockets;
using CniPlugins.Ipam;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>From where, and by which of the host's addresses, published ports of one family are reached.</summary>
/// <param name="Family">The family.</param>
/// <param name="Sources">Who may come; null: everybody; empty: nobody.</param>
/// <param name="Destinations">By which addresses; null: by all on which the port is published.</param>
public sealed record PublishConditions(AddressFamily Family, IReadOnlyList<AddressSpan>? Sources, IReadOnlyList<AddressSpan>? Destinations)
{
    /// <summary>Whether somebody passes by an address of the host. Another family is nothing that these conditions speak of.</summary>
    public bool Admits(IPAddress source, IPAddress destination) =>
        source.AddressFamily != Family || (Has(Sources, source) && Has(Destinations, destination));

    /// <summary>Whoever passes both, which are of one family.</summary>
    public PublishConditions And(PublishConditions other) => new(Family, Both(Sources, other.Sources), Both(Destinations, other.Destinations));

    /// <summary>
    /// The elements that refuse everybody else. They do not overlap, which the kernel would refuse; and they speak of the addresses on which the port is
    /// published alone, for on another it may be somebody else's.
    /// </summary>
    public IEnumerable<RuleElement> Refuse(PublishedPort port, string comment)
    {
        if (port.HostAddress.AddressFamily != Family)
        {
            yield break;
        }

        AddressSpan everywhere = AddressSpan.All(Family);
        AddressSpan published = port.OnEveryAddress ? everywhere : Of(port.HostAddress);
        IReadOnlyList<AddressSpan> sources = Sources ?? [everywhere];
        foreach (AddressSpan refused in AddressSpan.Except(Family, sources))
        {
            yield return PolicyElements.Refused(port, Bounds(refused), Bounds(published), comment);
        }

        if (Destinations is null)
        {
            yield break;
        }

        // Merged: spans of a configuration may overlap, and those of a set may not.
        foreach (AddressSpan source in Both(sources, sources)!)
        {
            foreach (AddressSpan refused in AddressSpan.Except(Family, Destinations))
            {
                if (port.OnEveryAddress || refused.Contains(port.HostAddress))
                {
                    yield return PolicyElements.Refused(port, Bounds(source), Bounds(port.OnEveryAddress ? refused : published), comment);
                }
            }
        }
    }

    private static bool Has(IReadOnlyList<AddressSpan>? spans, IPAddress address) => spans is null || spans.Any(span => span.Contains(address));

    private static AddressSpan Of(IPAddress address) =>
        AddressSpan.Of(new IpPrefix(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128));

    private static (IPAddress First, IPAddress Last) Bounds(AddressSpan span) => (AddressMath.ToAddress(span.First), AddressMath.ToAddress(span.Last));

    /// <summary>The addresses that are in both, ascending and merged: all but those that are missing in one or the other.</summary>
    private IReadOnlyList<AddressSpan>? Both(IReadOnlyList<AddressSpan>? some, IReadOnlyList<AddressSpan>? others)
    {
        if (some is null || others is null)
        {
            return some ?? others;
        }

        return AddressSpan.Except(Family, [.. AddressSpan.Except(Family, some), .. AddressSpan.Except(Family, others)]);
    }
}
