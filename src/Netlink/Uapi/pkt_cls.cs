using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Netlink.Uapi;

/// <summary>TCA_U32_*: attributes of a u32 filter within TCA_OPTIONS.</summary>
[KernelEnum("TCA_U32_", "linux/pkt_cls.h")]
public enum TCA_U32 : ushort
{
    SEL = 5,
    ACT = 7,
}

/// <summary>TCA_ACT_*: attributes of one action.</summary>
[KernelEnum("TCA_ACT_", "linux/pkt_cls.h")]
public enum TCA_ACT : ushort
{
    KIND = 1,
    OPTIONS = 2,
}

/// <summary>TC_ACT_*: what becomes of a packet after an action.</summary>
[KernelEnum("TC_ACT_", "linux/pkt_cls.h")]
public enum TC_ACT
{
    STOLEN = 4,
}

/// <summary>TC_U32_*: flags of a u32 filter's selector.</summary>
[Flags, KernelEnum("TC_U32_", "linux/pkt_cls.h")]
public enum TC_U32 : byte
{
    TERMINAL = 1,
}

/// <summary>What a u32 filter matches; its keys follow. <c>struct tc_u32_sel</c>.</summary>
[KernelStruct("struct tc_u32_sel", "linux/pkt_cls.h"), StructLayout(LayoutKind.Sequential)]
public struct TcU32Sel
{
    [KernelField("flags")] public byte Flags;
    [KernelField("offshift")] public byte OffsetShift;
    [KernelField("nkeys")] public byte KeyCount;
    private readonly byte _pad;
    [KernelField("offmask")] public ushort OffsetMask;
    [KernelField("off")] public ushort Offset;
    [KernelField("offoff")] public short OffsetOffset;
    [KernelField("hoff")] public short HashOffset;
    [KernelField("hmask")] public uint HashMask;
}

/// <summary>One key of a u32 filter: four bytes of the packet, masked, and what they must be. <c>struct tc_u32_key</c>.</summary>
[KernelStruct("struct tc_u32_key", "linux/pkt_cls.h"), StructLayout(LayoutKind.Sequential)]
public struct TcU32Key
{
    [KernelField("mask")] public uint Mask;
    [KernelField("val")] public uint Value;
    [KernelField("off")] public int Offset;
    [KernelField("offmask")] public int OffsetMask;
}
