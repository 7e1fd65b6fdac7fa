using CniPlugins.Nftables;

namespace CniPlugins.Publishing;

/// <summary>
/// One element of the ruleset, in the form that a record keeps: enough to add it, to find it and to delete it.
/// </summary>
/// <param name="Set">Name of the set or map.</param>
/// <param name="Element">Key, data and comment.</param>
public sealed record RuleElement(string Set, NftElement Element);
