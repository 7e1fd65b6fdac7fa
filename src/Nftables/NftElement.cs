namespace CniPlugins.Nftables;

/// <summary>An element of a set or map. Bytes are as <see cref="NftKey"/> makes them.</summary>
/// <param name="Key">The key, or a range's first one.</param>
public sealed record NftElement(byte[] Key)
{
    /// <summary>A range's last key.</summary>
    public byte[]? KeyEnd { get; init; }

    /// <summary>A map's data.</summary>
    public byte[]? Data { get; init; }

    /// <summary>Text shown by <c>nft list</c>; longer than 127 bytes is cut.</summary>
    public string? Comment { get; init; }

    /// <summary>A comment as it comes back from the kernel: cut to what fits.</summary>
    public static string? Shown(string? comment) => comment is null ? null : NftComment.Cut(comment);
}
