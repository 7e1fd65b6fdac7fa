using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables;

/// <summary>A table: a family and a name, 1 to 255 bytes.</summary>
public sealed record NftTable(NFPROTO Family, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => $"{FamilyName} {Name}";

    // As nft says it; an enum's own name is looked up by reflection, at every start.
    private string FamilyName => Family switch
    {
        NFPROTO.INET => "inet",
        NFPROTO.IPV4 => "ip",
        NFPROTO.IPV6 => "ip6",
        NFPROTO.BRIDGE => "bridge",
        _ => $"family {(byte)Family}",
    };
}
