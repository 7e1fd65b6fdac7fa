using CniPlugins.Linux;

namespace CniPlugins.Nftables.Uapi;

/// <summary>IPCTNL_MSG_CT_*: the low byte of a message type.</summary>
[KernelEnum("IPCTNL_MSG_CT_", "linux/netfilter/nfnetlink_conntrack.h")]
public enum IPCTNL_MSG_CT : byte
{
    NEW = 0,
    GET = 1,
    DELETE = 2,
}

/// <summary>CTA_*: attributes of a connection.</summary>
[KernelEnum("CTA_", "linux/netfilter/nfnetlink_conntrack.h")]
public enum CTA : ushort
{
    TUPLE_ORIG = 1,
    TUPLE_REPLY = 2,
    ID = 12,
    ZONE = 18,
    FILTER = 25,
}

/// <summary>CTA_TUPLE_*: one direction of a connection.</summary>
[KernelEnum("CTA_TUPLE_", "linux/netfilter/nfnetlink_conntrack.h")]
public enum CTA_TUPLE : ushort
{
    IP = 1,
    PROTO = 2,
    ZONE = 3,
}

/// <summary>CTA_IP_*: its addresses.</summary>
[KernelEnum("CTA_IP_", "linux/netfilter/nfnetlink_conntrack.h")]
public enum CTA_IP : ushort
{
    V4_SRC = 1,
    V4_DST = 2,
    V6_SRC = 3,
    V6_DST = 4,
}

/// <summary>CTA_PROTO_*: its protocol and ports.</summary>
[KernelEnum("CTA_PROTO_", "linux/netfilter/nfnetlink_conntrack.h")]
public enum CTA_PROTO : ushort
{
    NUM = 1,
    SRC_PORT = 2,
    DST_PORT = 3,
}

/// <summary>CTA_FILTER_*: which parts of the tuples a dump is to compare.</summary>
[KernelEnum("CTA_FILTER_", "linux/netfilter/nfnetlink_conntrack.h")]
public enum CTA_FILTER : ushort
{
    ORIG_FLAGS = 1,
    REPLY_FLAGS = 2,
}
