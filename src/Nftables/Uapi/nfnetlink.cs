using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Nftables.Uapi;

/// <summary>The header of every nfnetlink message; 4 bytes. <c>struct nfgenmsg</c>, include/uapi/linux/netfilter/nfnetlink.h.</summary>
[KernelStruct("struct nfgenmsg", "linux/netfilter/nfnetlink.h"), StructLayout(LayoutKind.Sequential)]
public struct NfGenMsg
{
    [KernelField("nfgen_family")] public byte Family;
    [KernelField("version")] public byte Version;

    /// <summary><c>res_id</c>, network order: the subsystem in BATCH_BEGIN and BATCH_END, else 0.</summary>
    [KernelField("res_id")] public ushort ResourceId;
}

/// <summary>NFNL_SUBSYS_*: the high byte of a message type.</summary>
[KernelEnum("NFNL_SUBSYS_", "linux/netfilter/nfnetlink.h")]
public enum NFNL_SUBSYS : byte
{
    CTNETLINK = 1,
    NFTABLES = 10,
}

/// <summary>NFNL_MSG_BATCH_*: what stands around a transaction.</summary>
[KernelEnum("NFNL_MSG_BATCH_", "linux/netfilter/nfnetlink.h")]
public enum NFNL_MSG_BATCH : ushort
{
    BEGIN = 0x10,
    END = 0x11,
}

/// <summary>NFPROTO_*: families of tables.</summary>
[KernelEnum("NFPROTO_", "linux/netfilter.h")]
public enum NFPROTO : byte
{
    UNSPEC = 0,
    INET = 1,
    IPV4 = 2,
    BRIDGE = 7,
    IPV6 = 10,
}

/// <summary>NF_INET_*: hooks of the ip, ip6 and inet families.</summary>
[KernelEnum("NF_INET_", "linux/netfilter.h")]
public enum NF_INET : uint
{
    PRE_ROUTING = 0,
    LOCAL_IN = 1,
    FORWARD = 2,
    LOCAL_OUT = 3,
    POST_ROUTING = 4,
}
