using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ bitwise reg N = ( reg N &amp; MASK ) ^ 0 ]</c>.</summary>
public sealed record Bitwise(NFT Register, byte[] Mask) : IExpression
{
    /// <inheritdoc/>
    public string Name => "bitwise";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_BITWISE> data))
        {
            data.PutU32BigEndian(NFTA_BITWISE.SREG, (uint)Register);
            data.PutU32BigEndian(NFTA_BITWISE.DREG, (uint)Register);
            data.PutU32BigEndian(NFTA_BITWISE.LEN, (uint)Mask.Length);
            using (data.Nest(NFTA_BITWISE.MASK, out AttributeWriter<NFTA_DATA> mask))
            {
                mask.PutBytes(NFTA_DATA.VALUE, Mask);
            }

            using (data.Nest(NFTA_BITWISE.XOR, out AttributeWriter<NFTA_DATA> xor))
            {
                xor.PutBytes(NFTA_DATA.VALUE, new byte[Mask.Length]);
            }
        }
    }
}
