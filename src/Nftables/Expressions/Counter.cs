using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ counter pkts 0 bytes 0 ]</c>: counts what comes this far.</summary>
public sealed record Counter : IExpression
{
    /// <inheritdoc/>
    public string Name => "counter";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_LIST> _))
        {
            // It begins at zero: an empty NFTA_EXPR_DATA.
        }
    }
}
