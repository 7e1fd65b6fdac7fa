using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ nat dnat FAMILY addr_min reg N proto_min reg M ]</c>: sends the connection to another address and port.</summary>
public sealed record DestinationNat(NFPROTO Family, NFT Address, NFT Port) : IExpression
{
    /// <inheritdoc/>
    public string Name => "nat";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_NAT> data))
        {
            data.PutU32BigEndian(NFTA_NAT.TYPE, (uint)NFT_NAT.DNAT);
            data.PutU32BigEndian(NFTA_NAT.FAMILY, (uint)Family);
            data.PutU32BigEndian(NFTA_NAT.REG_ADDR_MIN, (uint)Address);
            data.PutU32BigEndian(NFTA_NAT.REG_PROTO_MIN, (uint)Port);
            data.PutU32BigEndian(NFTA_NAT.FLAGS, (uint)(NF_NAT_RANGE.MAP_IPS | NF_NAT_RANGE.PROTO_SPECIFIED));
        }
    }
}
