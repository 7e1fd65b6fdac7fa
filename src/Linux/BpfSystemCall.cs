using System.Runtime.InteropServices;
using System.Text;
using CniPlugins.Linux.Uapi;

namespace CniPlugins.Linux;

/// <summary>
/// bpf(2): programs, their maps, and the cgroups they are attached to. What is attached stays when the process ends, and keeps its maps; everything else
/// goes with its descriptor. Kernel: kernel/bpf/syscall.c, kernel/bpf/cgroup.c.
/// </summary>
public static unsafe class BpfSystemCall
{
    private const int LogLength = 1 << 18;

    /// <summary>BPF_MAP_CREATE.</summary>
    /// <param name="type">BPF_MAP_TYPE_*.</param>
    /// <param name="keySize">Bytes of a key.</param>
    /// <param name="valueSize">Bytes of a value.</param>
    /// <param name="maxEntries">How many there can be.</param>
    /// <param name="flags">BPF_F_* of maps.</param>
    /// <param name="name">Up to 15 letters, digits, underscores and dots.</param>
    /// <exception cref="LinuxException">EPERM: not allowed here, or locked down; ENOSYS and EINVAL: the kernel cannot.</exception>
    public static SafeFileDescriptor CreateMap(uint type, int keySize, int valueSize, int maxEntries, uint flags, string name)
    {
        BpfAttr attr = new()
        {
            MapType = type,
            KeySize = (uint)keySize,
            ValueSize = (uint)valueSize,
            MaxEntries = (uint)maxEntries,
            MapFlags = flags,
        };
        WriteName(new Span<byte>(attr.MapName, BpfAttr.NameLength), name);
        return new SafeFileDescriptor(Call(BPF.MAP_CREATE, &attr, name));
    }

    /// <summary>BPF_MAP_LOOKUP_ELEM: false when the key is not there.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static bool TryLookup(SafeFileDescriptor map, ReadOnlySpan<byte> key, Span<byte> value)
    {
        fixed (byte* keyPointer = key, valuePointer = value)
        {
            BpfAttr attr = new() { MapDescriptor = (uint)map.Value, Key = (ulong)keyPointer, Value = (ulong)valuePointer };
            return TryCall(BPF.MAP_LOOKUP_ELEM, &attr);
        }
    }

    /// <summary>BPF_MAP_UPDATE_ELEM, whether the key is there or not.</summary>
    /// <exception cref="LinuxException">E2BIG: the map is full; ENOMEM.</exception>
    public static void Update(SafeFileDescriptor map, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        fixed (byte* keyPointer = key, valuePointer = value)
        {
            BpfAttr attr = new() { MapDescriptor = (uint)map.Value, Key = (ulong)keyPointer, Value = (ulong)valuePointer };
            Call(BPF.MAP_UPDATE_ELEM, &attr, null);
        }
    }

    /// <summary>BPF_MAP_DELETE_ELEM: false when the key was not there.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static bool TryDelete(SafeFileDescriptor map, ReadOnlySpan<byte> key)
    {
        fixed (byte* keyPointer = key)
        {
            BpfAttr attr = new() { MapDescriptor = (uint)map.Value, Key = (ulong)keyPointer };
            return TryCall(BPF.MAP_DELETE_ELEM, &attr);
        }
    }

    /// <summary>BPF_MAP_UPDATE_BATCH: as <see cref="Update"/> for many, one behind the other. Where one fails, those before it are in.</summary>
    /// <exception cref="LinuxException">E2BIG: the map is full; ENOMEM.</exception>
    public static void UpdateAll(SafeFileDescriptor map, ReadOnlySpan<byte> keys, ReadOnlySpan<byte> values, int count) =>
        Batch(BPF.MAP_UPDATE_BATCH, map, keys, values, count);

    /// <summary>BPF_MAP_DELETE_BATCH, of keys that are all there.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static void DeleteAll(SafeFileDescriptor map, ReadOnlySpan<byte> keys, int count) => Batch(BPF.MAP_DELETE_BATCH, map, keys, [], count);

    /// <summary>BPF_MAP_GET_NEXT_KEY: the key after the given one, the first one for an empty span or a key that is gone; false at the end.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static bool TryGetNextKey(SafeFileDescriptor map, ReadOnlySpan<byte> key, Span<byte> next)
    {
        fixed (byte* keyPointer = key, nextPointer = next)
        {
            BpfAttr attr = new() { MapDescriptor = (uint)map.Value, Key = (ulong)keyPointer, Value = (ulong)nextPointer };
            return TryCall(BPF.MAP_GET_NEXT_KEY, &attr);
        }
    }

    /// <summary>BPF_PROG_LOAD.</summary>
    /// <param name="type">BPF_PROG_TYPE_*.</param>
    /// <param name="attachType">BPF_* of enum bpf_attach_type: where it will be attached.</param>
    /// <param name="instructions"><c>struct bpf_insn</c>, 8 bytes each.</param>
    /// <param name="name">Up to 15 letters, digits, underscores and dots.</param>
    /// <exception cref="LinuxException">EPERM: not allowed here, or locked down; EACCES and EINVAL: the verifier, whose words are in the message.</exception>
    public static SafeFileDescriptor LoadProgram(uint type, uint attachType, ReadOnlySpan<ulong> instructions, string name)
    {
        fixed (ulong* code = instructions)
        fixed (byte* license = "GPL\0"u8)
        {
            BpfAttr attr = new()
            {
                ProgramType = type,
                ExpectedAttachType = attachType,
                Instructions = (ulong)code,
                InstructionCount = (uint)instructions.Length,
                License = (ulong)license,
            };
            WriteName(new Span<byte>(attr.ProgramName, BpfAttr.NameLength), name);
            int descriptor = TryLoad(&attr, out Errno errno);
            if (descriptor >= 0)
            {
                return new SafeFileDescriptor(descriptor);
            }

            throw new LinuxException("bpf BPF_PROG_LOAD", Explain(attr) is { Length: > 0 } words ? $"{name}: {words}" : name, errno);
        }
    }

    /// <summary>
    /// BPF_PROG_ATTACH to a cgroup, beside the programs of others, or in place of one: between the two no call goes by neither.
    /// </summary>
    /// <exception cref="LinuxException">EPERM: a program is attached that allows no other beside it.</exception>
    public static void Attach(SafeFileDescriptor cgroup, uint attachType, SafeFileDescriptor program, SafeFileDescriptor? replaced)
    {
        BpfAttr attr = new()
        {
            Target = (uint)cgroup.Value,
            Attached = (uint)program.Value,
            AttachType = attachType,
            AttachFlags = (uint)(BPF_F.ALLOW_MULTI | (replaced is null ? 0 : BPF_F.REPLACE)),
            Replaced = replaced is null ? 0 : (uint)replaced.Value,
        };
        Call(BPF.PROG_ATTACH, &attr, null);
    }

    /// <summary>BPF_PROG_DETACH: false when it was not attached.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static bool TryDetach(SafeFileDescriptor cgroup, uint attachType, SafeFileDescriptor program)
    {
        BpfAttr attr = new() { Target = (uint)cgroup.Value, Attached = (uint)program.Value, AttachType = attachType };
        return TryCall(BPF.PROG_DETACH, &attr);
    }

    /// <summary>BPF_PROG_QUERY: the numbers of the programs attached to the very cgroup.</summary>
    /// <param name="cgroup">A directory of cgroup2.</param>
    /// <param name="attachType">Where.</param>
    /// <param name="exclusive">Whether the one that is there allows no other beside it.</param>
    /// <exception cref="LinuxException">EPERM: not allowed here; EINVAL: no cgroup, or the kernel has no such place.</exception>
    public static uint[] ListAttached(SafeFileDescriptor cgroup, uint attachType, out bool exclusive)
    {
        uint[] ids = new uint[64];   // BPF_CGROUP_MAX_PROGS
        fixed (uint* pointer = ids)
        {
            BpfAttr attr = new()
            {
                QueryTarget = (uint)cgroup.Value,
                QueryAttachType = attachType,
                QueryIds = (ulong)pointer,
                QueryCount = (uint)ids.Length,
            };
            Call(BPF.PROG_QUERY, &attr, null);
            exclusive = attr.QueryCount > 0 && (attr.QueryAttachFlags & (uint)BPF_F.ALLOW_MULTI) == 0;
            return ids[..(int)attr.QueryCount];
        }
    }

    /// <summary>BPF_PROG_GET_FD_BY_ID; null when it is gone.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static SafeFileDescriptor? FindProgram(uint id) => FindById(BPF.PROG_GET_FD_BY_ID, id);

    /// <summary>BPF_MAP_GET_FD_BY_ID; null when it is gone.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static SafeFileDescriptor? FindMap(uint id) => FindById(BPF.MAP_GET_FD_BY_ID, id);

    /// <summary>BPF_OBJ_GET_INFO_BY_FD of a program: its name, and the numbers of its maps.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static (string Name, uint[] Maps) GetProgramInfo(SafeFileDescriptor program)
    {
        uint[] maps = new uint[64];   // MAX_USED_MAPS
        fixed (uint* pointer = maps)
        {
            BpfProgInfo info = new() { MapIds = (ulong)pointer, MapCount = (uint)maps.Length };
            GetInfo(program, &info, sizeof(BpfProgInfo));
            return (ReadName(new Span<byte>(info.Name, BpfAttr.NameLength)), maps[..(int)Math.Min(info.MapCount, (uint)maps.Length)]);
        }
    }

    /// <summary>BPF_OBJ_GET_INFO_BY_FD of a map: its name.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static string GetMapName(SafeFileDescriptor map)
    {
        BpfMapInfo info = default;
        GetInfo(map, &info, sizeof(BpfMapInfo));
        return ReadName(new Span<byte>(info.Name, BpfAttr.NameLength));
    }

    // include/uapi/asm-generic/unistd.h; x86 has numbers of its own (arch/x86/entry/syscalls/syscall_64.tbl).
    private static long Number => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 321 : 280;

    private static void GetInfo(SafeFileDescriptor descriptor, void* info, int length)
    {
        BpfAttr attr = new() { InfoDescriptor = (uint)descriptor.Value, InfoLength = (uint)length, Info = (ulong)info };
        Call(BPF.OBJ_GET_INFO_BY_FD, &attr, null);
    }

    private static void Batch(BPF command, SafeFileDescriptor map, ReadOnlySpan<byte> keys, ReadOnlySpan<byte> values, int count)
    {
        fixed (byte* keyPointer = keys, valuePointer = values)
        {
            BpfAttr attr = new()
            {
                BatchKeys = (ulong)keyPointer,
                BatchValues = (ulong)valuePointer,
                BatchCount = (uint)count,
                BatchMap = (uint)map.Value,
            };
            Call(command, &attr, null);
        }
    }

    private static SafeFileDescriptor? FindById(BPF command, uint id)
    {
        BpfAttr attr = new() { Id = id };
        int descriptor = (int)Libc.syscall(Number, (long)command, (nint)(&attr), sizeof(BpfAttr));
        if (descriptor >= 0)
        {
            return new SafeFileDescriptor(descriptor);
        }

        return LinuxException.Last == Errno.ENOENT ? null : throw new LinuxException($"bpf BPF_{command}", null, LinuxException.Last);
    }

    private static int Call(BPF command, BpfAttr* attr, string? subject)
    {
        long result = Libc.syscall(Number, (long)command, (nint)attr, sizeof(BpfAttr));
        return result >= 0 ? (int)result : throw new LinuxException($"bpf BPF_{command}", subject, LinuxException.Last);
    }

    private static bool TryCall(BPF command, BpfAttr* attr)
    {
        if (Libc.syscall(Number, (long)command, (nint)attr, sizeof(BpfAttr)) >= 0)
        {
            return true;
        }

        return LinuxException.Last == Errno.ENOENT ? false : throw new LinuxException($"bpf BPF_{command}", null, LinuxException.Last);
    }

    /// <summary>The verifier gives up with EAGAIN when a signal comes (bpf_check, kernel/bpf/verifier.c).</summary>
    private static int TryLoad(BpfAttr* attr, out Errno errno)
    {
        for (int attempt = 1; ; attempt++)
        {
            int descriptor = (int)Libc.syscall(Number, (long)BPF.PROG_LOAD, (nint)attr, sizeof(BpfAttr));
            errno = descriptor < 0 ? LinuxException.Last : Errno.None;
            if (errno != Errno.EAGAIN || attempt == 5)
            {
                return descriptor;
            }
        }
    }

    /// <summary>The last words of the verifier about a program that it refused.</summary>
    private static string Explain(BpfAttr attr)
    {
        byte[] log = new byte[LogLength];
        fixed (byte* pointer = log)
        {
            attr.LogLevel = 1;
            attr.LogSize = LogLength;
            attr.Log = (ulong)pointer;
            int descriptor = TryLoad(&attr, out _);
            if (descriptor >= 0)
            {
                new SafeFileDescriptor(descriptor).Dispose();   // this time it was taken
            }
        }

        string words = Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
        return words.Length <= 400 ? words : words[^400..];
    }

    private static void WriteName(Span<byte> target, string name) => Encoding.UTF8.GetBytes(name, target[..^1]);

    private static string ReadName(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }
}
