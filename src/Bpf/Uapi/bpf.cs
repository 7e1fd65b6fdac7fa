using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Bpf.Uapi;

/// <summary>BPF_MAP_TYPE_*.</summary>
[KernelEnum("BPF_MAP_TYPE_", "linux/bpf.h")]
public enum BPF_MAP_TYPE : uint
{
    HASH = 1,
    LRU_HASH = 9,
}

/// <summary>BPF_F_*: flags of maps.</summary>
[Flags, KernelEnum("BPF_F_", "linux/bpf.h")]
public enum BPF_F : uint
{
    NO_PREALLOC = 1 << 0,
}

/// <summary>BPF_PROG_TYPE_*.</summary>
[KernelEnum("BPF_PROG_TYPE_", "linux/bpf.h")]
public enum BPF_PROG_TYPE : uint
{
    CGROUP_SOCK_ADDR = 18,
}

/// <summary>BPF_CGROUP_*, of enum bpf_attach_type.</summary>
[KernelEnum("BPF_CGROUP_", "linux/bpf.h")]
public enum BPF_CGROUP : uint
{
    INET4_CONNECT = 10,
    INET6_CONNECT = 11,
    UDP4_SENDMSG = 14,
    UDP6_SENDMSG = 15,
    UDP4_RECVMSG = 19,
    UDP6_RECVMSG = 20,
    INET4_GETPEERNAME = 29,
    INET6_GETPEERNAME = 30,
}

/// <summary>BPF_FUNC_*: functions of the kernel that a program may call.</summary>
[KernelEnum("BPF_FUNC_", "linux/bpf.h")]
public enum BPF_FUNC
{
    map_lookup_elem = 1,
    map_update_elem = 2,
    get_socket_cookie = 46,
    get_netns_cookie = 122,
}

/// <summary>BPF_*: classes, sizes and operations that make up an instruction's code. Classic ones are in linux/bpf_common.h, which linux/bpf.h includes.</summary>
[KernelEnum("BPF_", "linux/bpf.h")]
internal enum BPF : byte
{
    // Classes.
    LD = 0x00,
    LDX = 0x01,
    ST = 0x02,
    STX = 0x03,
    JMP = 0x05,
    JMP32 = 0x06,
    ALU64 = 0x07,

    // Sizes: 4, 2, 1 and 8 bytes.
    W = 0x00,
    H = 0x08,
    DW = 0x18,

    // Modes and sources.
    MEM = 0x60,
    IMM = 0x00,
    K = 0x00,
    X = 0x08,

    // Operations.
    ADD = 0x00,
    OR = 0x40,
    AND = 0x50,
    LSH = 0x60,
    MOV = 0xb0,
    JA = 0x00,
    JEQ = 0x10,
    JNE = 0x50,
    CALL = 0x80,
    EXIT = 0x90,
}

/// <summary>BPF_PSEUDO_*: what the 64-bit constant of an instruction is.</summary>
[KernelEnum("BPF_PSEUDO_", "linux/bpf.h")]
internal enum BPF_PSEUDO : byte
{
    MAP_FD = 1,
}

/// <summary>Context of a program that looks at an address a socket is given: addresses and ports in network order.</summary>
[StructLayout(LayoutKind.Explicit, Size = 72), KernelStruct("struct bpf_sock_addr", "linux/bpf.h")]
public struct BpfSockAddr
{
    public const short UserIp4Offset = 4;
    public const short UserIp6Offset = 8;
    public const short UserPortOffset = 24;
    public const short ProtocolOffset = 36;
    public const short MessageSourceIp4Offset = 40;
    public const short MessageSourceIp6Offset = 44;
    public const short SocketOffset = 64;

    [FieldOffset(UserIp4Offset), KernelField("user_ip4")]
    internal uint UserIp4;

    [FieldOffset(UserIp6Offset), KernelField("user_ip6[0]")]
    internal uint UserIp6;

    [FieldOffset(UserPortOffset), KernelField("user_port")]
    internal uint UserPort;

    [FieldOffset(ProtocolOffset), KernelField("protocol")]
    internal uint Protocol;

    [FieldOffset(MessageSourceIp4Offset), KernelField("msg_src_ip4")]
    internal uint MessageSourceIp4;

    [FieldOffset(MessageSourceIp6Offset), KernelField("msg_src_ip6[0]")]
    internal uint MessageSourceIp6;

    [FieldOffset(SocketOffset), KernelField("sk")]
    internal ulong Socket;
}

/// <summary>A socket as a program sees it.</summary>
[StructLayout(LayoutKind.Explicit, Size = 80), KernelStruct("struct bpf_sock", "linux/bpf.h")]
public struct BpfSock
{
    public const short BoundDeviceOffset = 0;
    public const short SourceIp4Offset = 24;
    public const short SourceIp6Offset = 28;

    [FieldOffset(BoundDeviceOffset), KernelField("bound_dev_if")]
    internal uint BoundDevice;

    [FieldOffset(SourceIp4Offset), KernelField("src_ip4")]
    internal uint SourceIp4;

    [FieldOffset(SourceIp6Offset), KernelField("src_ip6[0]")]
    internal uint SourceIp6;
}
