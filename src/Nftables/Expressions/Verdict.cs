using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ immediate reg 0 accept|drop|return|jump CHAIN ]</c>: what becomes of the packet.</summary>
public sealed record Verdict(int Code, string? Chain = null) : IExpression
{
    /// <summary>Passes this hook.</summary>
    public static Verdict Accept => new((int)NF.ACCEPT);

    /// <summary>Is thrown away.</summary>
    public static Verdict Drop => new((int)NF.DROP);

    /// <summary>Goes on in the calling chain, or to the base chain's policy.</summary>
    public static Verdict Return => new((int)NFT.RETURN);

    /// <inheritdoc/>
    public string Name => "immediate";

    /// <summary>Goes through another chain and comes back.</summary>
    public static Verdict Jump(NftChain chain) => new((int)NFT.JUMP, chain.Name);

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_IMMEDIATE> data))
        {
            data.PutU32BigEndian(NFTA_IMMEDIATE.DREG, (uint)NFT.REG_VERDICT);
            using (data.Nest(NFTA_IMMEDIATE.DATA, out AttributeWriter<NFTA_DATA> value))
            using (value.Nest(NFTA_DATA.VERDICT, out AttributeWriter<NFTA_VERDICT> verdict))
            {
                verdict.PutU32BigEndian(NFTA_VERDICT.CODE, unchecked((uint)Code));
                if (Chain is not null)
                {
                    verdict.PutString(NFTA_VERDICT.CHAIN, Chain);
                }
            }
        }
    }
}
