using System.Net;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <summary>A rule that says which routing table packets from a source are routed by.</summary>
/// <param name="Source">Network address; 0.0.0.0 or :: with length 0 is every source of the family.</param>
/// <param name="PrefixLength">Length of the source's prefix.</param>
public sealed record PolicyRule(IPAddress Source, int PrefixLength)
{
    /// <summary>The table.</summary>
    public uint Table { get; init; } = (uint)RT_TABLE.MAIN;

    /// <summary>The smaller, the earlier; null: before all rules but the first.</summary>
    public uint? Priority { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"from {Source}/{PrefixLength} lookup {Table}";
}
