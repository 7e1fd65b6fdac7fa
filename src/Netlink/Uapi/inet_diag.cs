using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Netlink.Uapi;

/// <summary>SOCK_DIAG_*: the types of messages about sockets.</summary>
[KernelEnum("SOCK_DIAG_", "linux/sock_diag.h")]
public enum SOCK_DIAG : ushort
{
    BY_FAMILY = 20,
}

/// <summary>INET_DIAG_*: attributes of a socket.</summary>
[KernelEnum("INET_DIAG_", "linux/inet_diag.h")]
public enum INET_DIAG : ushort
{
    NONE = 0,
}

/// <summary>Between which addresses and ports a socket is, in network order; 48 bytes. <c>struct inet_diag_sockid</c>.</summary>
[KernelStruct("struct inet_diag_sockid", "linux/inet_diag.h"), StructLayout(LayoutKind.Sequential)]
public struct InetDiagSockId
{
    [KernelField("idiag_sport")] public ushort SourcePort;
    [KernelField("idiag_dport")] public ushort DestinationPort;
    [KernelField("idiag_src[0]")] public uint Source0;
    [KernelField("idiag_src[1]")] public uint Source1;
    [KernelField("idiag_src[2]")] public uint Source2;
    [KernelField("idiag_src[3]")] public uint Source3;
    [KernelField("idiag_dst[0]")] public uint Destination0;
    [KernelField("idiag_dst[1]")] public uint Destination1;
    [KernelField("idiag_dst[2]")] public uint Destination2;
    [KernelField("idiag_dst[3]")] public uint Destination3;
    [KernelField("idiag_if")] public uint Interface;
    [KernelField("idiag_cookie[0]")] public uint Cookie0;
    [KernelField("idiag_cookie[1]")] public uint Cookie1;
}

/// <summary>Which sockets are meant; 56 bytes. <c>struct inet_diag_req_v2</c>.</summary>
[KernelStruct("struct inet_diag_req_v2", "linux/inet_diag.h"), StructLayout(LayoutKind.Sequential)]
public struct InetDiagReqV2
{
    [KernelField("sdiag_family")] public byte Family;
    [KernelField("sdiag_protocol")] public byte Protocol;
    [KernelField("idiag_ext")] public byte Extensions;
    [KernelField("pad")] public byte Pad;
    [KernelField("idiag_states")] public uint States;
    [KernelField("id")] public InetDiagSockId Id;
}

/// <summary>A socket; 72 bytes. <c>struct inet_diag_msg</c>.</summary>
[KernelStruct("struct inet_diag_msg", "linux/inet_diag.h"), StructLayout(LayoutKind.Sequential)]
public struct InetDiagMsg
{
    [KernelField("idiag_family")] public byte Family;
    [KernelField("idiag_state")] public byte State;
    [KernelField("idiag_timer")] public byte Timer;
    [KernelField("idiag_retrans")] public byte Retransmissions;
    [KernelField("id")] public InetDiagSockId Id;
    [KernelField("idiag_expires")] public uint Expires;
    [KernelField("idiag_rqueue")] public uint ReceiveQueue;
    [KernelField("idiag_wqueue")] public uint SendQueue;
    [KernelField("idiag_uid")] public uint User;
    [KernelField("idiag_inode")] public uint Inode;
}
