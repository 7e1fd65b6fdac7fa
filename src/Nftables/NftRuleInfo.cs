namespace CniPlugins.Nftables;

/// <summary>What a rule in the kernel says, as far as somebody who looks for one wants to know.</summary>
/// <param name="Chain">Its chain.</param>
/// <param name="Handle">Its number within the table.</param>
public sealed record NftRuleInfo(string Chain, ulong Handle)
{
    /// <summary>The chain that it jumps or goes to; null: none.</summary>
    public string? Target { get; init; }

    /// <summary>Its comment, as <c>nft</c> shows it, or as iptables' match of that name has it; null: none.</summary>
    public string? Comment { get; init; }

    /// <summary>The values that it compares something of the packet with, from left to right.</summary>
    public IReadOnlyList<byte[]> Compared { get; init; } = [];
}
