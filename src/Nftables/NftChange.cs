namespace CniPlugins.Nftables;

/// <summary>One message of a transaction: what it asks for, and where its bytes stand.</summary>
internal sealed record NftChange(string Description)
{
    public int Start { get; init; }

    public int Length { get; init; }

    /// <summary>Of an element's change: its set.</summary>
    public NftSet? Set { get; init; }

    /// <summary>Of an element's change: the element.</summary>
    public NftElement? Element { get; init; }

    /// <summary>A deletion whose aim, absence, is met by ENOENT.</summary>
    public bool MayBeAbsent { get; init; }
}
