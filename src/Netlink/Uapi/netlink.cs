using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Netlink.Uapi;

/// <summary>The header of every netlink message; 16 bytes, host order. <c>struct nlmsghdr</c>, include/uapi/linux/netlink.h.</summary>
[KernelStruct("struct nlmsghdr", "linux/netlink.h"), StructLayout(LayoutKind.Sequential)]
public struct NlMsgHdr
{
    [KernelField("nlmsg_len")] public uint Length;
    [KernelField("nlmsg_type")] public ushort Type;
    [KernelField("nlmsg_flags")] public ushort Flags;
    [KernelField("nlmsg_seq")] public uint Sequence;
    [KernelField("nlmsg_pid")] public uint PortId;
}

/// <summary>A netlink socket's address. <c>struct sockaddr_nl</c>.</summary>
[KernelStruct("struct sockaddr_nl", "linux/netlink.h"), StructLayout(LayoutKind.Sequential)]
public struct SockAddrNl
{
    [KernelField("nl_family")] public ushort Family;
    [KernelField("nl_pad")] public ushort Pad;
    [KernelField("nl_pid")] public uint PortId;
    [KernelField("nl_groups")] public uint Groups;
}

/// <summary>NETLINK_*: which kernel subsystem a socket talks to.</summary>
[KernelEnum("NETLINK_", "linux/netlink.h")]
public enum NETLINK
{
    ROUTE = 0,
    SOCK_DIAG = 4,
    NETFILTER = 12,
}

/// <summary>NETLINK_* socket options (level SOL_NETLINK).</summary>
[KernelEnum("NETLINK_", "linux/netlink.h")]
public enum NETLINK_OPTION
{
    ADD_MEMBERSHIP = 1,
    CAP_ACK = 10,
    EXT_ACK = 11,
    GET_STRICT_CHK = 12,
}

/// <summary>NLMSG_*: message types below the first subsystem type.</summary>
[KernelEnum("NLMSG_", "linux/netlink.h")]
public enum NLMSG : ushort
{
    NOOP = 1,
    ERROR = 2,
    DONE = 3,
    OVERRUN = 4,
    MIN_TYPE = 16,
}

/// <summary>NLM_F_*: message flags. REQUEST and ACK are set by the connection.</summary>
[Flags, KernelEnum("NLM_F_", "linux/netlink.h")]
public enum NLM_F : ushort
{
    REQUEST = 0x01,
    MULTI = 0x02,
    ACK = 0x04,
    ECHO = 0x08,
    DUMP_INTR = 0x10,
    DUMP = 0x300,
    REPLACE = 0x100,
    EXCL = 0x200,
    CREATE = 0x400,
    APPEND = 0x800,
    CAPPED = 0x100,
    ACK_TLVS = 0x200,
}

/// <summary>NLA_F_*: the two high bits of an attribute's type.</summary>
[KernelEnum("NLA_", "linux/netlink.h")]
public enum NLA : ushort
{
    F_NESTED = 0x8000,
    F_NET_BYTEORDER = 0x4000,
}

/// <summary>NLMSGERR_ATTR_*: what the kernel adds to an error.</summary>
[KernelEnum("NLMSGERR_ATTR_", "linux/netlink.h")]
public enum NLMSGERR_ATTR : ushort
{
    MSG = 1,
    OFFS = 2,
    COOKIE = 3,
    POLICY = 4,
    MISS_TYPE = 5,
    MISS_NEST = 6,
}
