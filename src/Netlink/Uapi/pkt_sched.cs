using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Netlink.Uapi;

/// <summary>TC_H_*: where a queueing discipline hangs.</summary>
[KernelEnum("TC_H_", "linux/pkt_sched.h")]
public enum TC_H : uint
{
    ROOT = 0xFFFFFFFF,
    INGRESS = 0xFFFFFFF1,
}

/// <summary>TC_LINKLAYER_*: what a packet's length on the wire is computed by.</summary>
[KernelEnum("TC_LINKLAYER_", "linux/pkt_sched.h")]
public enum TC_LINKLAYER : byte
{
    ETHERNET = 1,
}

/// <summary>TCA_TBF_*: attributes of a token bucket filter within TCA_OPTIONS.</summary>
[KernelEnum("TCA_TBF_", "linux/pkt_sched.h")]
public enum TCA_TBF : ushort
{
    PARMS = 1,
    RATE64 = 4,
    BURST = 6,
}

/// <summary>A rate, bytes per second; host order. <c>struct tc_ratespec</c>.</summary>
[KernelStruct("struct tc_ratespec", "linux/pkt_sched.h"), StructLayout(LayoutKind.Sequential)]
public struct TcRateSpec
{
    [KernelField("cell_log")] public byte CellLog;
    [KernelField("linklayer")] public byte LinkLayer;
    [KernelField("overhead")] public ushort Overhead;
    [KernelField("cell_align")] public short CellAlign;
    [KernelField("mpu")] public ushort Mpu;
    [KernelField("rate")] public uint Rate;
}

/// <summary>Parameters of a token bucket filter; buffer and mtu are times in ticks. <c>struct tc_tbf_qopt</c>.</summary>
[KernelStruct("struct tc_tbf_qopt", "linux/pkt_sched.h"), StructLayout(LayoutKind.Sequential)]
public struct TcTbfQopt
{
    [KernelField("rate")] public TcRateSpec Rate;
    [KernelField("peakrate")] public TcRateSpec PeakRate;
    [KernelField("limit")] public uint Limit;
    [KernelField("buffer")] public uint Buffer;
    [KernelField("mtu")] public uint Mtu;
}
