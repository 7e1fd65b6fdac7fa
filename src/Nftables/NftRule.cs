using CniPlugins.Nftables.Expressions;

namespace CniPlugins.Nftables;

/// <summary>A rule at the end of a chain: expressions from left to right.</summary>
/// <param name="Chain">The chain.</param>
/// <param name="Comment">Text shown by <c>nft list</c>, up to 127 bytes.</param>
/// <param name="Expressions">The instructions.</param>
public sealed record NftRule(NftChain Chain, string? Comment, IReadOnlyList<IExpression> Expressions);
