using CniPlugins.Linux;

namespace CniPlugins.Nftables.Uapi;

/// <summary>NFTA_MATCH_*: a match of iptables within a rule.</summary>
[KernelEnum("NFTA_MATCH_", "linux/netfilter/nf_tables_compat.h")]
public enum NFTA_MATCH : ushort
{
    NAME = 1,
    REV = 2,
    INFO = 3,
}
