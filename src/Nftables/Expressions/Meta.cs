using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ meta load KEY => reg N ]</c>: something known of the packet beside its bytes. Interface names fill 16 bytes.</summary>
public sealed record Meta(NFT_META Key, NFT Register) : IExpression
{
    /// <inheritdoc/>
    public string Name => "meta";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_META> data))
        {
            data.PutU32BigEndian(NFTA_META.KEY, (uint)Key);
            data.PutU32BigEndian(NFTA_META.DREG, (uint)Register);
        }
    }
}
