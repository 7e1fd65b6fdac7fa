using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ cmp eq|neq reg N VALUE ]</c>: leaves the rule unless the register compares so.</summary>
public sealed record Compare(NFT Register, NFT_CMP Operation, byte[] Value) : IExpression
{
    /// <inheritdoc/>
    public string Name => "cmp";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_CMP> data))
        {
            data.PutU32BigEndian(NFTA_CMP.SREG, (uint)Register);
            data.PutU32BigEndian(NFTA_CMP.OP, (uint)Operation);
            using (data.Nest(NFTA_CMP.DATA, out AttributeWriter<NFTA_DATA> value))
            {
                value.PutBytes(NFTA_DATA.VALUE, Value);
            }
        }
    }
}
