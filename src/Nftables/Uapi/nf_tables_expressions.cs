using CniPlugins.Linux;

namespace CniPlugins.Nftables.Uapi;

/// <summary>NFTA_IMMEDIATE_*.</summary>
[KernelEnum("NFTA_IMMEDIATE_", "linux/netfilter/nf_tables.h")]
public enum NFTA_IMMEDIATE : ushort
{
    DREG = 1,
    DATA = 2,
}

/// <summary>NFTA_META_*.</summary>
[KernelEnum("NFTA_META_", "linux/netfilter/nf_tables.h")]
public enum NFTA_META : ushort
{
    DREG = 1,
    KEY = 2,
}

/// <summary>NFT_META_*: what a meta expression loads.</summary>
[KernelEnum("NFT_META_", "linux/netfilter/nf_tables.h")]
public enum NFT_META : uint
{
    PROTOCOL = 1,
    IIF = 4,
    OIF = 5,
    IIFNAME = 6,
    OIFNAME = 7,
    NFPROTO = 15,
    L4PROTO = 16,
}

/// <summary>NFTA_PAYLOAD_*.</summary>
[KernelEnum("NFTA_PAYLOAD_", "linux/netfilter/nf_tables.h")]
public enum NFTA_PAYLOAD : ushort
{
    DREG = 1,
    BASE = 2,
    OFFSET = 3,
    LEN = 4,
}

/// <summary>NFT_PAYLOAD_*: the header an offset counts from.</summary>
[KernelEnum("NFT_PAYLOAD_", "linux/netfilter/nf_tables.h")]
public enum NFT_PAYLOAD : uint
{
    LL_HEADER = 0,
    NETWORK_HEADER = 1,
    TRANSPORT_HEADER = 2,
}

/// <summary>NFTA_CMP_*.</summary>
[KernelEnum("NFTA_CMP_", "linux/netfilter/nf_tables.h")]
public enum NFTA_CMP : ushort
{
    SREG = 1,
    OP = 2,
    DATA = 3,
}

/// <summary>NFT_CMP_*.</summary>
[KernelEnum("NFT_CMP_", "linux/netfilter/nf_tables.h")]
public enum NFT_CMP : uint
{
    EQ = 0,
    NEQ = 1,
}

/// <summary>NFTA_BITWISE_*.</summary>
[KernelEnum("NFTA_BITWISE_", "linux/netfilter/nf_tables.h")]
public enum NFTA_BITWISE : ushort
{
    SREG = 1,
    DREG = 2,
    LEN = 3,
    MASK = 4,
    XOR = 5,
}

/// <summary>NFTA_LOOKUP_*.</summary>
[KernelEnum("NFTA_LOOKUP_", "linux/netfilter/nf_tables.h")]
public enum NFTA_LOOKUP : ushort
{
    SET = 1,
    SREG = 2,
    DREG = 3,
    FLAGS = 5,
}

/// <summary>NFT_LOOKUP_*.</summary>
[KernelEnum("NFT_LOOKUP_", "linux/netfilter/nf_tables.h")]
public enum NFT_LOOKUP : uint
{
    F_INV = 1,
}

/// <summary>NFTA_CT_*.</summary>
[KernelEnum("NFTA_CT_", "linux/netfilter/nf_tables.h")]
public enum NFTA_CT : ushort
{
    DREG = 1,
    KEY = 2,
}

/// <summary>NFT_CT_*: what a ct expression loads.</summary>
[KernelEnum("NFT_CT_", "linux/netfilter/nf_tables.h")]
public enum NFT_CT : uint
{
    STATE = 0,
    STATUS = 2,
}

/// <summary>NFTA_FIB_*.</summary>
[KernelEnum("NFTA_FIB_", "linux/netfilter/nf_tables.h")]
public enum NFTA_FIB : ushort
{
    DREG = 1,
    RESULT = 2,
    FLAGS = 3,
}

/// <summary>NFT_FIB_RESULT_*.</summary>
[KernelEnum("NFT_FIB_RESULT_", "linux/netfilter/nf_tables.h")]
public enum NFT_FIB_RESULT : uint
{
    ADDRTYPE = 3,
}

/// <summary>NFTA_FIB_F_*.</summary>
[Flags, KernelEnum("NFTA_FIB_F_", "linux/netfilter/nf_tables.h")]
public enum NFTA_FIB_F : uint
{
    DADDR = 1 << 1,
}

/// <summary>NFTA_NAT_*.</summary>
[KernelEnum("NFTA_NAT_", "linux/netfilter/nf_tables.h")]
public enum NFTA_NAT : ushort
{
    TYPE = 1,
    FAMILY = 2,
    REG_ADDR_MIN = 3,
    REG_PROTO_MIN = 5,
    FLAGS = 7,
}

/// <summary>NFT_NAT_*.</summary>
[KernelEnum("NFT_NAT_", "linux/netfilter/nf_tables.h")]
public enum NFT_NAT : uint
{
    SNAT = 0,
    DNAT = 1,
}

/// <summary>NF_NAT_RANGE_*: flags of a translation.</summary>
[Flags, KernelEnum("NF_NAT_RANGE_", "linux/netfilter/nf_nat.h")]
public enum NF_NAT_RANGE : uint
{
    MAP_IPS = 1 << 0,
    PROTO_SPECIFIED = 1 << 1,
}

/// <summary>IPS_*: bits of ct status.</summary>
[Flags, KernelEnum("IPS_", "linux/netfilter/nf_conntrack_common.h")]
public enum IPS : uint
{
    DST_NAT = 1 << 5,
}
