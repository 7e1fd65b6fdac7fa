namespace CniPlugins.Nftables;

/// <summary>One message of a transaction: what it asks for, and where its bytes stand.</summary>
internal sealed record NftChange(string Operation)
{
    /// <summary>The operation and what it is done to, put together when it is refused: most never are.</summary>
    public string Description => Set is null ? Operation : $"{Operation} {Set.Table} {Set.Name}";

    public int Start { get; init; }

    public int Length { get; init; }

    /// <summary>Of an element's change: its set.</summary>
    public NftSet? Set { get; init; }

    /// <summary>Of an element's change: the element.</summary>
    public NftElement? Element { get; init; }

    /// <summary>A deletion whose aim, absence, is met by ENOENT.</summary>
    public bool MayBeAbsent { get; init; }
}
