using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Netlink.Uapi;

/// <summary>TCA_MIRRED_*: attributes of a mirred action within TCA_ACT_OPTIONS.</summary>
[KernelEnum("TCA_MIRRED_", "linux/tc_act/tc_mirred.h")]
public enum TCA_MIRRED : ushort
{
    PARMS = 2,
}

/// <summary>TCA_EGRESS_*: what a mirred action does with a packet.</summary>
[KernelEnum("TCA_EGRESS_", "linux/tc_act/tc_mirred.h")]
public enum TCA_EGRESS
{
    REDIR = 1,
}

/// <summary>Parameters of a mirred action. <c>struct tc_mirred</c>.</summary>
[KernelStruct("struct tc_mirred", "linux/tc_act/tc_mirred.h"), StructLayout(LayoutKind.Sequential)]
public struct TcMirred
{
    [KernelField("index")] public uint Number;
    [KernelField("capab")] public uint Capabilities;
    [KernelField("action")] public int Action;
    [KernelField("refcnt")] public int References;
    [KernelField("bindcnt")] public int Bindings;
    [KernelField("eaction")] public int Direction;
    [KernelField("ifindex")] public uint Index;
}
