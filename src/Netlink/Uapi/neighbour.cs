using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Netlink.Uapi;

/// <summary>The header of every RTM_*NEIGH message; 12 bytes, host order. <c>struct ndmsg</c>, include/uapi/linux/neighbour.h.</summary>
[KernelStruct("struct ndmsg", "linux/neighbour.h"), StructLayout(LayoutKind.Sequential)]
public struct NdMsg
{
    [KernelField("ndm_family")] public byte Family;
    [KernelField("ndm_pad1")] public byte Pad1;
    [KernelField("ndm_pad2")] public ushort Pad2;
    [KernelField("ndm_ifindex")] public int Index;
    [KernelField("ndm_state")] public ushort State;
    [KernelField("ndm_flags")] public byte Flags;
    [KernelField("ndm_type")] public byte Type;
}

/// <summary>NDA_*: attributes of a neighbour.</summary>
[KernelEnum("NDA_", "linux/neighbour.h")]
public enum NDA : ushort
{
    DST = 1,
    LLADDR = 2,
}
