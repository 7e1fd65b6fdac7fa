using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Netlink.Uapi;

/// <summary>The header of every RTM_*ADDR message; 8 bytes, host order. <c>struct ifaddrmsg</c>, include/uapi/linux/if_addr.h.</summary>
[KernelStruct("struct ifaddrmsg", "linux/if_addr.h"), StructLayout(LayoutKind.Sequential)]
public struct IfAddrMsg
{
    [KernelField("ifa_family")] public byte Family;
    [KernelField("ifa_prefixlen")] public byte PrefixLength;
    [KernelField("ifa_flags")] public byte Flags;
    [KernelField("ifa_scope")] public byte Scope;
    [KernelField("ifa_index")] public uint Index;
}

/// <summary>IFA_*: attributes of an address.</summary>
[KernelEnum("IFA_", "linux/if_addr.h")]
public enum IFA : ushort
{
    ADDRESS = 1,
    LOCAL = 2,
    BROADCAST = 4,
    FLAGS = 8,
}

/// <summary>IFA_F_*: address flags.</summary>
[Flags, KernelEnum("IFA_F_", "linux/if_addr.h")]
public enum IFA_F : uint
{
    NODAD = 0x02,
    DADFAILED = 0x08,
    TENTATIVE = 0x40,
    PERMANENT = 0x80,
    NOPREFIXROUTE = 0x200,
}
