using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ ct load KEY => reg N ]</c>: 4 bytes in host order.</summary>
public sealed record Conntrack(NFT_CT Key, NFT Register) : IExpression
{
    /// <inheritdoc/>
    public string Name => "ct";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_CT> data))
        {
            data.PutU32BigEndian(NFTA_CT.KEY, (uint)Key);
            data.PutU32BigEndian(NFTA_CT.DREG, (uint)Register);
        }
    }
}
