using CniPlugins.Linux;

namespace CniPlugins.Nftables.Uapi;

/// <summary>NFT_MSG_*: the low byte of a message type.</summary>
[KernelEnum("NFT_MSG_", "linux/netfilter/nf_tables.h")]
public enum NFT_MSG : byte
{
    NEWTABLE = 0,
    GETTABLE = 1,
    DELTABLE = 2,
    NEWCHAIN = 3,
    GETCHAIN = 4,
    DELCHAIN = 5,
    NEWRULE = 6,
    GETRULE = 7,
    DELRULE = 8,
    NEWSET = 9,
    NEWSETELEM = 12,
    GETSETELEM = 13,
    DELSETELEM = 14,
}

/// <summary>NFTA_TABLE_*.</summary>
[KernelEnum("NFTA_TABLE_", "linux/netfilter/nf_tables.h")]
public enum NFTA_TABLE : ushort
{
    NAME = 1,
    USERDATA = 6,
}

/// <summary>NFTA_CHAIN_*.</summary>
[KernelEnum("NFTA_CHAIN_", "linux/netfilter/nf_tables.h")]
public enum NFTA_CHAIN : ushort
{
    TABLE = 1,
    NAME = 3,
    HOOK = 4,
    POLICY = 5,
    TYPE = 7,
}

/// <summary>NFTA_HOOK_*: within NFTA_CHAIN_HOOK.</summary>
[KernelEnum("NFTA_HOOK_", "linux/netfilter/nf_tables.h")]
public enum NFTA_HOOK : ushort
{
    HOOKNUM = 1,
    PRIORITY = 2,
}

/// <summary>NFTA_RULE_*.</summary>
[KernelEnum("NFTA_RULE_", "linux/netfilter/nf_tables.h")]
public enum NFTA_RULE : ushort
{
    TABLE = 1,
    CHAIN = 2,
    HANDLE = 3,
    EXPRESSIONS = 4,
    USERDATA = 7,
}

/// <summary>NFTA_LIST_*: an element of a nested list.</summary>
[KernelEnum("NFTA_LIST_", "linux/netfilter/nf_tables.h")]
public enum NFTA_LIST : ushort
{
    ELEM = 1,
}

/// <summary>NFTA_EXPR_*.</summary>
[KernelEnum("NFTA_EXPR_", "linux/netfilter/nf_tables.h")]
public enum NFTA_EXPR : ushort
{
    NAME = 1,
    DATA = 2,
}

/// <summary>NFTA_SET_*.</summary>
[KernelEnum("NFTA_SET_", "linux/netfilter/nf_tables.h")]
public enum NFTA_SET : ushort
{
    TABLE = 1,
    NAME = 2,
    FLAGS = 3,
    KEY_TYPE = 4,
    KEY_LEN = 5,
    DATA_TYPE = 6,
    DATA_LEN = 7,
    DESC = 9,
    ID = 10,
    USERDATA = 13,
}

/// <summary>NFTA_SET_DESC_*: within NFTA_SET_DESC.</summary>
[KernelEnum("NFTA_SET_DESC_", "linux/netfilter/nf_tables.h")]
public enum NFTA_SET_DESC : ushort
{
    CONCAT = 2,
}

/// <summary>NFTA_SET_FIELD_*: one field of a concatenated interval key.</summary>
[KernelEnum("NFTA_SET_FIELD_", "linux/netfilter/nf_tables.h")]
public enum NFTA_SET_FIELD : ushort
{
    LEN = 1,
}

/// <summary>NFT_SET_*: flags of a set.</summary>
[Flags, KernelEnum("NFT_SET_", "linux/netfilter/nf_tables.h")]
public enum NFT_SET : uint
{
    INTERVAL = 0x4,
    MAP = 0x8,
    CONCAT = 0x80,
}

/// <summary>NFTA_SET_ELEM_LIST_*.</summary>
[KernelEnum("NFTA_SET_ELEM_LIST_", "linux/netfilter/nf_tables.h")]
public enum NFTA_SET_ELEM_LIST : ushort
{
    TABLE = 1,
    SET = 2,
    ELEMENTS = 3,
}

/// <summary>NFTA_SET_ELEM_*.</summary>
[KernelEnum("NFTA_SET_ELEM_", "linux/netfilter/nf_tables.h")]
public enum NFTA_SET_ELEM : ushort
{
    KEY = 1,
    DATA = 2,
    USERDATA = 6,
    KEY_END = 10,
}

/// <summary>NFTA_DATA_*.</summary>
[KernelEnum("NFTA_DATA_", "linux/netfilter/nf_tables.h")]
public enum NFTA_DATA : ushort
{
    VALUE = 1,
    VERDICT = 2,
}

/// <summary>NFTA_VERDICT_*.</summary>
[KernelEnum("NFTA_VERDICT_", "linux/netfilter/nf_tables.h")]
public enum NFTA_VERDICT : ushort
{
    CODE = 1,
    CHAIN = 2,
}

/// <summary>NFT_*: registers and verdict codes.</summary>
[KernelEnum("NFT_", "linux/netfilter/nf_tables.h")]
public enum NFT
{
    RETURN = -5,
    GOTO = -4,
    JUMP = -3,
    REG_VERDICT = 0,
    REG32_00 = 8,
    REG32_01 = 9,
    REG32_02 = 10,
    REG32_03 = 11,
    REG32_04 = 12,
    REG32_05 = 13,
}

/// <summary>NF_*: final verdicts.</summary>
[KernelEnum("NF_", "linux/netfilter.h")]
public enum NF
{
    DROP = 0,
    ACCEPT = 1,
}
