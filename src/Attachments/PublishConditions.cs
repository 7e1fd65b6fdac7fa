using System.Net;
using System.Net.Sockets;
using CniPlugins.Ipam;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>From where, and by which of the host's addresses, published ports of one family are reached.</summary>
/// <param name="Family">The family.</param>
/// <param name="Sources">Who may come; null: everybody.</param>
/// <param name="Destinations">By which addresses; null: by all on which the port is published.</param>
public sealed record PublishConditions(AddressFamily Family, IReadOnlyList<AddressSpan>? Sources, IReadOnlyList<AddressSpan>? Destinations)
{
    /// <summary>The elements that refuse everybody else. They do not overlap, which the kernel would refuse.</summary>
    public IEnumerable<RuleElement> Refuse(PublishedPort port, string comment)
    {
        if (port.HostAddress.AddressFamily != Family)
        {
            yield break;
        }

        AddressSpan everywhere = AddressSpan.All(Family);
        IReadOnlyList<AddressSpan> sources = Sources ?? [everywhere];
        foreach (AddressSpan refused in AddressSpan.Except(Family, sources))
        {
            yield return PolicyElements.Refused(port, Bounds(refused), Bounds(everywhere), comment);
        }

        if (Destinations is null)
        {
            yield break;
        }

        // Merged: spans of a configuration may overlap, and those of a set may not.
        foreach (AddressSpan source in AddressSpan.Except(Family, AddressSpan.Except(Family, sources)))
        {
            foreach (AddressSpan refused in AddressSpan.Except(Family, Destinations))
            {
                yield return PolicyElements.Refused(port, Bounds(source), Bounds(refused), comment);
            }
        }
    }

    private static (IPAddress First, IPAddress Last) Bounds(AddressSpan span) => (AddressMath.ToAddress(span.First), AddressMath.ToAddress(span.Last));
}
