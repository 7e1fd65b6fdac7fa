using System.Net;

namespace CniPlugins.Cni;

/// <summary>A route in a result.</summary>
/// <param name="Destination">The destination's address.</param>
/// <param name="PrefixLength">The destination's prefix length in bits; 0 with <c>0.0.0.0</c> or <c>::</c> is the default route.</param>
/// <param name="Gateway">The next hop; null means the gateway of the address of the same family.</param>
public sealed record ResultRoute(IPAddress Destination, int PrefixLength, IPAddress? Gateway = null)
{
    /// <summary>The path's MTU in bytes.</summary>
    public int? Mtu { get; init; }

    /// <summary>The MSS to advertise, in bytes.</summary>
    public int? AdvMss { get; init; }

    /// <summary>The metric; lower is better.</summary>
    public int? Priority { get; init; }

    /// <summary>The routing table's number.</summary>
    public int? Table { get; init; }

    /// <summary>The scope: 0 global, 253 link, 254 host.</summary>
    public int? Scope { get; init; }

    /// <summary>Reads a route, whose keys are the same in results and in configurations.</summary>
    /// <exception cref="CniException">A wrong type (6), no address (7).</exception>
    public static ResultRoute Read(ConfigObject route) => ResultReader.ReadRoute(route);

    /// <summary>As results spell it: <c>10.1.0.0/24</c>.</summary>
    public string Text => IpText.Format(Destination, PrefixLength);
}
