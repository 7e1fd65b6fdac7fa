using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary>
/// <c>[ lookup reg N set NAME dreg M ]</c>: leaves the rule unless the registers' content is a key of the set; of a map, loads its data.
/// Inverted: leaves it if they are.
/// </summary>
public sealed record Lookup(NftSet Set, NFT Register, NFT? Destination = null, bool Invert = false) : IExpression
{
    /// <inheritdoc/>
    public string Name => "lookup";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_LOOKUP> data))
        {
            data.PutString(NFTA_LOOKUP.SET, Set.Name);
            data.PutU32BigEndian(NFTA_LOOKUP.SREG, (uint)Register);
            if (Destination is NFT destination)
            {
                data.PutU32BigEndian(NFTA_LOOKUP.DREG, (uint)destination);
            }

            if (Invert)
            {
                data.PutU32BigEndian(NFTA_LOOKUP.FLAGS, (uint)NFT_LOOKUP.F_INV);
            }
        }
    }
}
