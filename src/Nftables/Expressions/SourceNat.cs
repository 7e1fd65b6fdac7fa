using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ nat snat FAMILY addr_min reg N ]</c>: gives the connection another source address.</summary>
public sealed record SourceNat(NFPROTO Family, NFT Address) : IExpression
{
    /// <inheritdoc/>
    public string Name => "nat";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_NAT> data))
        {
            data.PutU32BigEndian(NFTA_NAT.TYPE, (uint)NFT_NAT.SNAT);
            data.PutU32BigEndian(NFTA_NAT.FAMILY, (uint)Family);
            data.PutU32BigEndian(NFTA_NAT.REG_ADDR_MIN, (uint)Address);
            data.PutU32BigEndian(NFTA_NAT.FLAGS, (uint)NF_NAT_RANGE.MAP_IPS);
        }
    }
}
