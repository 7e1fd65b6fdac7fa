using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables;

/// <summary>A chain of rules; a base chain if it has a hook.</summary>
public sealed record NftChain(NftTable Table, string Name)
{
    /// <summary>Where packets enter it; null: only by a jump.</summary>
    public NftHook? Hook { get; init; }

    /// <summary>Of a base chain that somebody else made: whether it drops what none of its rules decides about.</summary>
    public bool Drops { get; init; }
}

/// <summary>Where a base chain hangs. Its policy is accept.</summary>
/// <param name="Type"><c>filter</c> or <c>nat</c>.</param>
/// <param name="Hook">The netfilter hook.</param>
/// <param name="Priority">The lower the earlier: -300 raw, -200 conntrack, -100 dstnat, 0 filter, 100 srcnat.</param>
public sealed record NftHook(string Type, NF_INET Hook, int Priority);
