using System.Runtime.InteropServices;

namespace CniPlugins.Linux.Uapi;

/// <summary>A request about the interface of a name. <c>struct ifreq</c>, 40 bytes on 64-bit machines.</summary>
[KernelStruct("struct ifreq", "linux/if.h"), StructLayout(LayoutKind.Sequential, Size = 40)]
internal unsafe struct IfReq
{
    [KernelField("ifr_name")] public fixed byte Name[16];
    [KernelField("ifr_flags")] public ushort Flags;
}
