using System.Net;

namespace CniPlugins.Cni;

/// <summary>An address in a result.</summary>
/// <param name="Address">The container's address.</param>
/// <param name="PrefixLength">The length of its network's prefix in bits.</param>
/// <param name="Gateway">The gateway of its network.</param>
/// <param name="Interface">The position in <see cref="AddResult.Interfaces"/>; null, or negative from some plugins, for none.</param>
public sealed record ResultIp(IPAddress Address, int PrefixLength, IPAddress? Gateway = null, int? Interface = null)
{
    /// <summary>As results spell it: <c>10.1.0.5/24</c>.</summary>
    public string Text => IpText.Format(Address, PrefixLength);
}
