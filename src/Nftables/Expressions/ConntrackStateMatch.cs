using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary>
/// <c>[ match name conntrack rev 3 ]</c>: the state of the connection, in the form of iptables' extensions. iptables takes a table for broken that has the
/// same as a <see cref="Conntrack"/> expression.
/// </summary>
/// <param name="States">Any of them will do.</param>
public sealed record ConntrackStateMatch(XT_CONNTRACK States) : IExpression
{
    /// <inheritdoc/>
    public string Name => "match";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_MATCH> data))
        {
            data.PutString(NFTA_MATCH.NAME, "conntrack");
            data.PutU32BigEndian(NFTA_MATCH.REV, 3);
            data.PutStruct(NFTA_MATCH.INFO, new XtConntrackMtInfo3 { MatchFlags = (ushort)XT_CONNTRACK.STATE, StateMask = (ushort)States });
        }
    }
}
