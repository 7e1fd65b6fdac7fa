using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ masq ]</c>: gives the connection the source address of the interface it leaves by.</summary>
public sealed record Masquerade : IExpression
{
    /// <inheritdoc/>
    public string Name => "masq";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_LIST> _))
        {
            // No range, no flags: an empty NFTA_EXPR_DATA.
        }
    }
}
