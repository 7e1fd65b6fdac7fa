using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables;

/// <summary>A table: a family and a name, 1 to 255 bytes.</summary>
public sealed record NftTable(NFPROTO Family, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Family.ToString().ToLowerInvariant()} {Name}";
}
