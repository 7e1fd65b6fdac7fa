using System.Net;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <summary>A unicast route.</summary>
/// <param name="Destination">Network address; 0.0.0.0 or :: with length 0 is the default route.</param>
/// <param name="PrefixLength">Length of the destination's prefix.</param>
public sealed record IpRoute(IPAddress Destination, int PrefixLength)
{
    /// <summary>Next hop; null: the destination is on the link.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>Interface it leaves by.</summary>
    public InterfaceIndex Output { get; init; }

    /// <summary>Source address to prefer; null: the kernel's choice.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>Metric, the smaller the better; null: the kernel's default for the family.</summary>
    public uint? Priority { get; init; }

    /// <summary>Routing table; main is 254.</summary>
    public uint Table { get; init; } = (uint)RT_TABLE.MAIN;

    /// <summary>How far away the destination is (IPv4 only; IPv6 ignores it).</summary>
    public RT_SCOPE Scope { get; init; }

    /// <summary>Path MTU in bytes, or null.</summary>
    public uint? Mtu { get; init; }

    /// <summary>TCP segment size to announce, bytes, or null.</summary>
    public uint? AdvMss { get; init; }

    /// <summary>Unicast, local and so on.</summary>
    public RTN Type { get; init; } = RTN.UNICAST;

    /// <inheritdoc/>
    public override string ToString() => Gateway is null ? $"{Destination}/{PrefixLength}" : $"{Destination}/{PrefixLength} via {Gateway}";
}
