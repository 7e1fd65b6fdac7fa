using CniPlugins.Nftables.Uapi;
using CniPlugins.Netlink;

namespace CniPlugins.Nftables.Expressions;

/// <summary>One instruction of a rule, as the kernel's nf_tables machine runs it.</summary>
public interface IExpression
{
    /// <summary>NFTA_EXPR_NAME.</summary>
    string Name { get; }

    /// <summary>Writes NFTA_EXPR_DATA.</summary>
    void WriteData(AttributeWriter<NFTA_EXPR> expression);
}
