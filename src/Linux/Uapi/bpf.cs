using System.Runtime.InteropServices;

namespace CniPlugins.Linux.Uapi;

/// <summary>BPF_*: commands of bpf(2).</summary>
[KernelEnum("BPF_", "linux/bpf.h")]
internal enum BPF
{
    MAP_CREATE = 0,
    MAP_LOOKUP_ELEM = 1,
    MAP_UPDATE_ELEM = 2,
    MAP_DELETE_ELEM = 3,
    MAP_GET_NEXT_KEY = 4,
    PROG_LOAD = 5,
    PROG_ATTACH = 8,
    PROG_DETACH = 9,
    PROG_GET_FD_BY_ID = 13,
    MAP_GET_FD_BY_ID = 14,
    OBJ_GET_INFO_BY_FD = 15,
    PROG_QUERY = 16,
    MAP_UPDATE_BATCH = 26,
    MAP_DELETE_BATCH = 27,
}

/// <summary>BPF_F_*: how a program is attached to a cgroup.</summary>
[Flags, KernelEnum("BPF_F_", "linux/bpf.h")]
internal enum BPF_F : uint
{
    ALLOW_MULTI = 1 << 1,
    REPLACE = 1 << 2,
}

/// <summary>The argument of bpf(2): one member of the union for each command, of which those are here that are used. Zero is "not given".</summary>
[StructLayout(LayoutKind.Explicit, Size = 144), KernelStruct("union bpf_attr", "linux/bpf.h")]
internal unsafe struct BpfAttr
{
    internal const int NameLength = 16;

    // MAP_CREATE
    [FieldOffset(0), KernelField("map_type")] internal uint MapType;
    [FieldOffset(4), KernelField("key_size")] internal uint KeySize;
    [FieldOffset(8), KernelField("value_size")] internal uint ValueSize;
    [FieldOffset(12), KernelField("max_entries")] internal uint MaxEntries;
    [FieldOffset(16), KernelField("map_flags")] internal uint MapFlags;
    [FieldOffset(28), KernelField("map_name")] internal fixed byte MapName[NameLength];

    // MAP_*_ELEM, MAP_GET_NEXT_KEY
    [FieldOffset(0), KernelField("map_fd")] internal uint MapDescriptor;
    [FieldOffset(8), KernelField("key")] internal ulong Key;
    [FieldOffset(16), KernelField("value")] internal ulong Value;

    // MAP_*_BATCH
    [FieldOffset(16), KernelField("batch.keys")] internal ulong BatchKeys;
    [FieldOffset(24), KernelField("batch.values")] internal ulong BatchValues;
    [FieldOffset(32), KernelField("batch.count")] internal uint BatchCount;
    [FieldOffset(36), KernelField("batch.map_fd")] internal uint BatchMap;

    // PROG_LOAD
    [FieldOffset(0), KernelField("prog_type")] internal uint ProgramType;
    [FieldOffset(4), KernelField("insn_cnt")] internal uint InstructionCount;
    [FieldOffset(8), KernelField("insns")] internal ulong Instructions;
    [FieldOffset(16), KernelField("license")] internal ulong License;
    [FieldOffset(24), KernelField("log_level")] internal uint LogLevel;
    [FieldOffset(28), KernelField("log_size")] internal uint LogSize;
    [FieldOffset(32), KernelField("log_buf")] internal ulong Log;
    [FieldOffset(48), KernelField("prog_name")] internal fixed byte ProgramName[NameLength];
    [FieldOffset(68), KernelField("expected_attach_type")] internal uint ExpectedAttachType;

    // PROG_ATTACH, PROG_DETACH
    [FieldOffset(0), KernelField("target_fd")] internal uint Target;
    [FieldOffset(4), KernelField("attach_bpf_fd")] internal uint Attached;
    [FieldOffset(8), KernelField("attach_type")] internal uint AttachType;
    [FieldOffset(12), KernelField("attach_flags")] internal uint AttachFlags;
    [FieldOffset(16), KernelField("replace_bpf_fd")] internal uint Replaced;

    // *_GET_FD_BY_ID
    [FieldOffset(0), KernelField("prog_id")] internal uint Id;

    // OBJ_GET_INFO_BY_FD
    [FieldOffset(0), KernelField("info.bpf_fd")] internal uint InfoDescriptor;
    [FieldOffset(4), KernelField("info.info_len")] internal uint InfoLength;
    [FieldOffset(8), KernelField("info.info")] internal ulong Info;

    // PROG_QUERY
    [FieldOffset(0), KernelField("query.target_fd")] internal uint QueryTarget;
    [FieldOffset(4), KernelField("query.attach_type")] internal uint QueryAttachType;
    [FieldOffset(12), KernelField("query.attach_flags")] internal uint QueryAttachFlags;
    [FieldOffset(16), KernelField("query.prog_ids")] internal ulong QueryIds;
    [FieldOffset(24), KernelField("query.prog_cnt")] internal uint QueryCount;
}

/// <summary>What OBJ_GET_INFO_BY_FD tells of a program; later kernels tell more.</summary>
[StructLayout(LayoutKind.Explicit, Size = 232), KernelStruct("struct bpf_prog_info", "linux/bpf.h")]
internal unsafe struct BpfProgInfo
{
    [FieldOffset(52), KernelField("nr_map_ids")] internal uint MapCount;
    [FieldOffset(56), KernelField("map_ids")] internal ulong MapIds;
    [FieldOffset(64), KernelField("name")] internal fixed byte Name[BpfAttr.NameLength];
}

/// <summary>What OBJ_GET_INFO_BY_FD tells of a map; later kernels tell more.</summary>
[StructLayout(LayoutKind.Explicit, Size = 88), KernelStruct("struct bpf_map_info", "linux/bpf.h")]
internal unsafe struct BpfMapInfo
{
    [FieldOffset(24), KernelField("name")] internal fixed byte Name[BpfAttr.NameLength];
}
