using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Netlink.Uapi;

/// <summary>RTM_*: rtnetlink message types.</summary>
[KernelEnum("RTM_", "linux/rtnetlink.h")]
public enum RTM : ushort
{
    NEWLINK = 16,
    DELLINK = 17,
    GETLINK = 18,
    SETLINK = 19,
    NEWADDR = 20,
    DELADDR = 21,
    GETADDR = 22,
    NEWROUTE = 24,
    DELROUTE = 25,
    GETROUTE = 26,
    NEWNEIGH = 28,
    DELNEIGH = 29,
    GETNEIGH = 30,
    NEWRULE = 32,
    DELRULE = 33,
    GETRULE = 34,
    NEWQDISC = 36,
    DELQDISC = 37,
    GETQDISC = 38,
    NEWTFILTER = 44,
    GETTFILTER = 46,
    NEWLINKPROP = 108,
}

/// <summary>RTNLGRP_*: multicast groups.</summary>
[KernelEnum("RTNLGRP_", "linux/rtnetlink.h")]
public enum RTNLGRP
{
    LINK = 1,
    IPV6_IFADDR = 9,
    IPV6_ROUTE = 11,
}

/// <summary>The header of every RTM_*LINK message; 16 bytes, host order. <c>struct ifinfomsg</c>.</summary>
[KernelStruct("struct ifinfomsg", "linux/rtnetlink.h"), StructLayout(LayoutKind.Sequential)]
public struct IfInfoMsg
{
    [KernelField("ifi_family")] public byte Family;
    private readonly byte _pad;
    [KernelField("ifi_type")] public ushort Type;
    [KernelField("ifi_index")] public int Index;
    [KernelField("ifi_flags")] public uint Flags;
    [KernelField("ifi_change")] public uint Change;
}

/// <summary>The header of every RTM_*ROUTE message. <c>struct rtmsg</c>.</summary>
[KernelStruct("struct rtmsg", "linux/rtnetlink.h"), StructLayout(LayoutKind.Sequential)]
public struct RtMsg
{
    [KernelField("rtm_family")] public byte Family;
    [KernelField("rtm_dst_len")] public byte DestinationLength;
    [KernelField("rtm_src_len")] public byte SourceLength;
    [KernelField("rtm_tos")] public byte Tos;
    [KernelField("rtm_table")] public byte Table;
    [KernelField("rtm_protocol")] public byte Protocol;
    [KernelField("rtm_scope")] public byte Scope;
    [KernelField("rtm_type")] public byte Type;
    [KernelField("rtm_flags")] public uint Flags;
}

/// <summary>
/// One next hop in RTA_MULTIPATH; its length covers the attributes behind it. <c>struct rtnexthop</c>.
/// </summary>
[KernelStruct("struct rtnexthop", "linux/rtnetlink.h"), StructLayout(LayoutKind.Sequential)]
public struct RtNextHop
{
    [KernelField("rtnh_len")] public ushort Length;
    [KernelField("rtnh_flags")] public byte Flags;
    [KernelField("rtnh_hops")] public byte Hops;
    [KernelField("rtnh_ifindex")] public int Index;
}

/// <summary>RTA_*: attributes of a route.</summary>
[KernelEnum("RTA_", "linux/rtnetlink.h")]
public enum RTA : ushort
{
    DST = 1,
    OIF = 4,
    GATEWAY = 5,
    PRIORITY = 6,
    PREFSRC = 7,
    METRICS = 8,
    MULTIPATH = 9,
    TABLE = 15,
}

/// <summary>RTAX_*: attributes within RTA_METRICS.</summary>
[KernelEnum("RTAX_", "linux/rtnetlink.h")]
public enum RTAX : ushort
{
    MTU = 2,
    ADVMSS = 8,
}

/// <summary>RT_SCOPE_*: how far away a destination is.</summary>
[KernelEnum("RT_SCOPE_", "linux/rtnetlink.h")]
public enum RT_SCOPE : byte
{
    UNIVERSE = 0,
    LINK = 253,
    HOST = 254,
}

/// <summary>RTN_*: route types.</summary>
[KernelEnum("RTN_", "linux/rtnetlink.h")]
public enum RTN : byte
{
    UNSPEC = 0,
    UNICAST = 1,
    LOCAL = 2,
}

/// <summary>RTPROT_*: who made a route.</summary>
[KernelEnum("RTPROT_", "linux/rtnetlink.h")]
public enum RTPROT : byte
{
    UNSPEC = 0,
    BOOT = 3,
    STATIC = 4,
}

/// <summary>RT_TABLE_*: the tables with names.</summary>
[KernelEnum("RT_TABLE_", "linux/rtnetlink.h")]
public enum RT_TABLE : byte
{
    UNSPEC = 0,
    COMPAT = 252,
    MAIN = 254,
    LOCAL = 255,
}

/// <summary>The header of every RTM_*QDISC and RTM_*TFILTER message; 20 bytes, host order. <c>struct tcmsg</c>.</summary>
[KernelStruct("struct tcmsg", "linux/rtnetlink.h"), StructLayout(LayoutKind.Sequential)]
public struct TcMsg
{
    [KernelField("tcm_family")] public byte Family;
    [KernelField("tcm__pad1")] public byte Pad1;
    [KernelField("tcm__pad2")] public ushort Pad2;
    [KernelField("tcm_ifindex")] public int Index;
    [KernelField("tcm_handle")] public uint Handle;
    [KernelField("tcm_parent")] public uint Parent;

    /// <summary>Of a filter: its priority in the upper half, the protocol in network order in the lower.</summary>
    [KernelField("tcm_info")] public uint Info;
}

/// <summary>TCA_*: attributes of a queueing discipline or filter.</summary>
[KernelEnum("TCA_", "linux/rtnetlink.h")]
public enum TCA : ushort
{
    KIND = 1,
    OPTIONS = 2,
}
