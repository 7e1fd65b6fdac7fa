using System.Net;

namespace CniPlugins.Nftables.Conntrack;

/// <summary>A tracked connection, with what its deletion needs in the kernel's own bytes.</summary>
/// <param name="Family">NFPROTO_IPV4 or NFPROTO_IPV6.</param>
/// <param name="Original">The direction of the first packet.</param>
/// <param name="Reply">The direction of the answers: after any translation.</param>
internal sealed record ConntrackEntry(byte Family, ConntrackTuple Original, ConntrackTuple Reply)
{
    /// <summary>CTA_TUPLE_ORIG.</summary>
    public required byte[] OriginalBytes { get; init; }

    /// <summary>CTA_ID: a connection that took the tuple over meanwhile has another.</summary>
    public byte[]? Id { get; init; }

    /// <summary>CTA_ZONE, if it is not in the default zone.</summary>
    public byte[]? Zone { get; init; }
}

/// <summary>One direction. Ports are 0 for protocols without.</summary>
internal readonly record struct ConntrackTuple(IPAddress? Source, IPAddress? Destination, byte Protocol, ushort DestinationPort);
