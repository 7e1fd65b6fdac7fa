using System.Net;
using System.Net.Sockets;

namespace CniPlugins.Nftables.Conntrack;

/// <summary>Which connections are meant: all that is set must hold. Nothing set means every connection.</summary>
public sealed record ConntrackFilter
{
    /// <summary>Addresses of this family; <see cref="AddressFamily.Unspecified"/>: both.</summary>
    public AddressFamily Family { get; init; } = AddressFamily.Unspecified;

    /// <summary>IPPROTO_*; null: any.</summary>
    public byte? Protocol { get; init; }

    /// <summary>The port that the first packet was sent to, before any translation; null: any. Needs <see cref="Protocol"/>.</summary>
    public ushort? DestinationPort { get; init; }

    /// <summary>The addresses that the first packet may have been sent to, before any translation; empty: any.</summary>
    public IReadOnlyList<IPAddress> Destinations { get; init; } = [];

    /// <summary>Beside <see cref="Destinations"/> all of 127.0.0.0/8, of which an interface has but one address.</summary>
    public bool LoopbackToo { get; init; }

    /// <summary>The address that answers come from: the container, whatever address the client used; null: any.</summary>
    public IPAddress? ReplySource { get; init; }

    /// <summary>Only what is translated: answers come from another address than the first packet was sent to.</summary>
    public bool TranslatedOnly { get; init; }

    /// <summary>Connections that were opened to a port, before any translation.</summary>
    /// <param name="protocol">IPPROTO_*.</param>
    /// <param name="port">The port.</param>
    /// <param name="destinations">The addresses; none: any.</param>
    public static ConntrackFilter ToPort(byte protocol, ushort port, params IReadOnlyList<IPAddress> destinations) =>
        new() { Protocol = protocol, DestinationPort = port, Destinations = destinations };

    /// <summary>Connections that this address answers.</summary>
    public static ConntrackFilter AnsweredBy(IPAddress address) => new() { Family = address.AddressFamily, ReplySource = address };

    internal bool Matches(ConntrackEntry entry) =>
        (Family == AddressFamily.Unspecified || Family == entry.Original.Destination?.AddressFamily)
        && (Protocol is null || Protocol == entry.Original.Protocol)
        && (DestinationPort is null || DestinationPort == entry.Original.DestinationPort)
        && (ReplySource is null || ReplySource.Equals(entry.Reply.Source))
        && !(TranslatedOnly && Equals(entry.Reply.Source, entry.Original.Destination))
        && MatchesDestination(entry.Original.Destination);

    private bool MatchesDestination(IPAddress? destination)
    {
        foreach (IPAddress address in Destinations)
        {
            if (address.Equals(destination))
            {
                return true;
            }
        }

        return Destinations.Count == 0 || (LoopbackToo && destination is not null && IPAddress.IsLoopback(destination));
    }
}
