using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ fib daddr type => reg N ]</c>: RTN_* of the packet's destination, 4 bytes in host order.</summary>
public sealed record FibDestinationType(NFT Register) : IExpression
{
    /// <inheritdoc/>
    public string Name => "fib";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_FIB> data))
        {
            data.PutU32BigEndian(NFTA_FIB.FLAGS, (uint)NFTA_FIB_F.DADDR);
            data.PutU32BigEndian(NFTA_FIB.RESULT, (uint)NFT_FIB_RESULT.ADDRTYPE);
            data.PutU32BigEndian(NFTA_FIB.DREG, (uint)Register);
        }
    }
}
