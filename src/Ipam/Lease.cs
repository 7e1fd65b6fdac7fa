using System.Net;

namespace CniPlugins.Ipam;

/// <summary>An address given out.</summary>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">The prefix length of the subnet it is from.</param>
/// <param name="Gateway">The gateway of its range.</param>
/// <param name="SetIndex">The range set it is from.</param>
public sealed record Lease(IPAddress Address, int PrefixLength, IPAddress Gateway, int SetIndex);
