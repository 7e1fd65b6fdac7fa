using System.Globalization;
using CniPlugins.Bpf.Uapi;
using CniPlugins.Linux;

namespace CniPlugins.Publishing.Loopback;

/// <summary>
/// The programs of all places and their two maps, as they are attached to a cgroup, or loaded to be. They stay attached when this process ends; their name
/// carries their version, and the maps' names the version of their layout.
/// </summary>
internal sealed class SocketHooks : IDisposable
{
    /// <summary>Of the programs. A newer one takes the place of an older one and goes on with its maps, an older one leaves a newer one in place.</summary>
    public const int CurrentVersion = 1;

    private const string NamePrefix = "cni_publish_";
    private const string PortsName = "cni_ports_1";
    private const string PeersName = "cni_peers_1";
    private const int MostPorts = 1 << 18;
    private const int MostPeers = 1 << 14;

    /// <summary>The last one is attached last, and so tells whether all are.</summary>
    private static readonly BPF_CGROUP[] s_places =
    [
        BPF_CGROUP.UDP4_RECVMSG, BPF_CGROUP.UDP6_RECVMSG, BPF_CGROUP.INET4_GETPEERNAME, BPF_CGROUP.INET6_GETPEERNAME,
        BPF_CGROUP.UDP4_SENDMSG, BPF_CGROUP.UDP6_SENDMSG, BPF_CGROUP.INET6_CONNECT, BPF_CGROUP.INET4_CONNECT,
    ];

    private readonly SafeFileDescriptor?[] _programs = new SafeFileDescriptor?[s_places.Length];

    private SocketHooks(SafeFileDescriptor ports, SafeFileDescriptor peers, int version)
    {
        Ports = ports;
        Peers = peers;
        Version = version;
    }

    /// <summary>The published ports: <see cref="SocketEntry"/>.</summary>
    public SafeFileDescriptor Ports { get; }

    /// <summary>Of the programs.</summary>
    public int Version { get; }

    private SafeFileDescriptor Peers { get; }

    /// <summary>What is attached to the cgroup itself; null when nothing of ours is.</summary>
    /// <exception cref="LinuxException">The kernel does not tell; EPERM: a program is there that allows no other beside it.</exception>
    public static SocketHooks? Find(CgroupDirectory cgroup)
    {
        SocketHooks? hooks = null;
        foreach (BPF_CGROUP place in s_places)
        {
            hooks ??= FindAt(cgroup, place);
        }

        return hooks;
    }

    /// <summary>Makes maps and programs that go with this object, unless they are attached.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static SocketHooks Load(int version = CurrentVersion)
    {
        SocketHooks hooks = new(
            BpfSystemCall.CreateMap(
                (uint)BPF_MAP_TYPE.HASH, SocketEntry.KeySize, SocketEntry.ValueSize, MostPorts, (uint)BPF_F.NO_PREALLOC, PortsName),
            BpfSystemCall.CreateMap(
                (uint)BPF_MAP_TYPE.LRU_HASH, SocketProgram.PeerKeySize, SocketProgram.PeerValueSize, MostPeers, 0, PeersName),
            version);
        hooks.LoadPrograms();
        return hooks;
    }

    /// <summary>The same maps with the programs of this version.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static SocketHooks Upgrade(SocketHooks old)
    {
        SocketHooks hooks = new(old.Ports, old.Peers, CurrentVersion);
        hooks.LoadPrograms();
        return hooks;
    }

    /// <summary>Attaches every program that is not, in place of an older one where there is one. Nothing is left attached when one is refused.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public void Attach(CgroupDirectory cgroup)
    {
        List<int> attached = [];
        try
        {
            for (int i = 0; i < s_places.Length; i++)
            {
                using SafeFileDescriptor? present = FindProgram(cgroup, s_places[i], out int version);
                if (present is null || version < Version)
                {
                    BpfSystemCall.Attach(cgroup.Descriptor, (uint)s_places[i], _programs[i]!, present);
                    if (present is null)
                    {
                        attached.Add(i);
                    }
                }
            }
        }
        catch
        {
            foreach (int i in attached)
            {
                BpfSystemCall.TryDetach(cgroup.Descriptor, (uint)s_places[i], _programs[i]!);
            }

            throw;
        }
    }

    /// <summary>How many places have a program of ours.</summary>
    /// <exception cref="LinuxException">The kernel does not tell.</exception>
    internal static int Count(CgroupDirectory cgroup) => s_places.Count(place =>
    {
        using SafeFileDescriptor? program = FindProgram(cgroup, place, out _);
        return program is not null;
    });

    /// <summary>Whether every place has its program.</summary>
    /// <exception cref="LinuxException">The kernel does not tell.</exception>
    public static bool IsComplete(CgroupDirectory cgroup) => Count(cgroup) == s_places.Length;

    /// <summary>Takes every program of ours away from the cgroup; none is success. The maps go with the last one.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static void Detach(CgroupDirectory cgroup)
    {
        // In the order of attaching backwards: what leads sockets away goes before what names their peers.
        for (int i = s_places.Length - 1; i >= 0; i--)
        {
            using SafeFileDescriptor? program = FindProgram(cgroup, s_places[i], out _);
            if (program is not null)
            {
                BpfSystemCall.TryDetach(cgroup.Descriptor, (uint)s_places[i], program);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Ports.Dispose();
        Peers.Dispose();
        foreach (SafeFileDescriptor? program in _programs)
        {
            program?.Dispose();
        }
    }

    private void LoadPrograms()
    {
        string name = NamePrefix + Version.ToString(CultureInfo.InvariantCulture);
        for (int i = 0; i < s_places.Length; i++)
        {
            _programs[i] = BpfSystemCall.LoadProgram(
                (uint)BPF_PROG_TYPE.CGROUP_SOCK_ADDR, (uint)s_places[i], SocketProgram.Assemble(s_places[i], Ports, Peers), name);
        }
    }

    private static SocketHooks? FindAt(CgroupDirectory cgroup, BPF_CGROUP place)
    {
        using SafeFileDescriptor? program = FindProgram(cgroup, place, out int version);
        if (program is null)
        {
            return null;
        }

        SafeFileDescriptor? ports = null;
        SafeFileDescriptor? peers = null;
        foreach (uint id in BpfSystemCall.GetProgramInfo(program).Maps)
        {
            if (BpfSystemCall.FindMap(id) is not SafeFileDescriptor map)
            {
                continue;
            }

            switch (BpfSystemCall.GetMapName(map))
            {
                case PortsName:
                    ports = map;
                    break;
                case PeersName:
                    peers = map;
                    break;
                default:
                    map.Dispose();
                    break;
            }
        }

        if (ports is not null && peers is not null)
        {
            return new SocketHooks(ports, peers, version);
        }

        // What only names peers does not know the ports.
        peers?.Dispose();
        return null;
    }

    private static SafeFileDescriptor? FindProgram(CgroupDirectory cgroup, BPF_CGROUP place, out int version)
    {
        version = 0;
        uint[] ids = BpfSystemCall.ListAttached(cgroup.Descriptor, (uint)place, out bool exclusive);
        foreach (uint id in ids)
        {
            SafeFileDescriptor? program = BpfSystemCall.FindProgram(id);
            if (program is not null
                && BpfSystemCall.GetProgramInfo(program).Name is string name && name.StartsWith(NamePrefix, StringComparison.Ordinal)
                && int.TryParse(name.AsSpan(NamePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out version))
            {
                return program;
            }

            program?.Dispose();
        }

        return exclusive ? throw new LinuxException("bpf BPF_PROG_ATTACH", "a program is attached that allows no other beside it", Errno.EPERM) : null;
    }
}
