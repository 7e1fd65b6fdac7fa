using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Netlink.Uapi;

/// <summary>The header of every RTM_*RULE message; 12 bytes, host order. <c>struct fib_rule_hdr</c>.</summary>
[KernelStruct("struct fib_rule_hdr", "linux/fib_rules.h"), StructLayout(LayoutKind.Sequential)]
public struct FibRuleHdr
{
    [KernelField("family")] public byte Family;
    [KernelField("dst_len")] public byte DestinationLength;
    [KernelField("src_len")] public byte SourceLength;
    [KernelField("tos")] public byte Tos;
    [KernelField("table")] public byte Table;
    [KernelField("res1")] public byte Reserved1;
    [KernelField("res2")] public byte Reserved2;
    [KernelField("action")] public byte Action;
    [KernelField("flags")] public uint Flags;
}

/// <summary>FRA_*: attributes of a rule.</summary>
[KernelEnum("FRA_", "linux/fib_rules.h")]
public enum FRA : ushort
{
    DST = 1,
    SRC = 2,
    IIFNAME = 3,
    PRIORITY = 6,
    FWMARK = 10,
    TABLE = 15,
    OIFNAME = 17,
    L3MDEV = 19,
    UID_RANGE = 20,
    IP_PROTO = 22,
    SPORT_RANGE = 23,
    DPORT_RANGE = 24,
}

/// <summary>FR_ACT_*: what a rule does.</summary>
[KernelEnum("FR_ACT_", "linux/fib_rules.h")]
public enum FR_ACT : byte
{
    UNSPEC = 0,
    TO_TBL = 1,
}
