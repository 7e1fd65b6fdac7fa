using CniPlugins.Linux;

namespace CniPlugins.Publishing.Loopback;

/// <summary>
/// Ports published on 127.0.0.1 and [::1], served at the socket: a program that the kernel runs when a process of this host calls connect(2) or sendmsg(2) puts
/// the container's address in place of the loopback address. No packet is translated, so nothing with a loopback address ever leaves lo, and IPv6, which
/// routes none of those, can do it too. One set of programs serves all network namespaces of the machine; entries carry their namespace.
/// </summary>
public sealed class LoopbackPorts : IDisposable
{
    private readonly CgroupDirectory _cgroup;
    private readonly ulong _cookie;
    private SocketHooks? _loaded;

    private LoopbackPorts(CgroupDirectory cgroup, ulong cookie) => (_cgroup, _cookie) = (cgroup, cookie);

    /// <summary>Opens what there is for the calling thread's network namespace. Nothing is attached yet.</summary>
    /// <param name="cgroup">A directory of cgroup2: what its processes, and those below, dial is looked at. Null: all processes.</param>
    /// <exception cref="LinuxException">This kernel cannot, or does not let us.</exception>
    public static LoopbackPorts Open(string? cgroup)
    {
        if (!BitConverterIsLittleEndian)
        {
            throw new LinuxException("bpf", "programs for big-endian machines are not written", Errno.EOPNOTSUPP);
        }

        ulong cookie = NetworkNamespace.FindCookie() ?? throw new LinuxException("getsockopt", "SO_NETNS_COOKIE, which came with Linux 5.14", Errno.EOPNOTSUPP);
        return new LoopbackPorts(cgroup is null ? CgroupDirectory.OpenRoot() : CgroupDirectory.Open(cgroup), cookie);
    }

    /// <summary>Finds out whether ports can be served, up to the point where something would be left.</summary>
    /// <exception cref="LinuxException">They cannot.</exception>
    public void Prepare()
    {
        using SocketHooks? present = SocketHooks.Find(_cgroup);
        if (present is null)
        {
            _loaded ??= SocketHooks.Load();
        }
    }

    /// <summary>Enters those of the ports that are on loopback addresses; with the first one the programs are attached.</summary>
    /// <param name="ports">The ports; whoever calls this has made sure that they are nobody else's.</param>
    /// <param name="owner">The attachment.</param>
    /// <exception cref="LinuxException">The kernel refused; E2BIG: there are 262,144 already.</exception>
    public void Add(IReadOnlyList<PublishedPort> ports, string owner)
    {
        List<SocketEntry> entries = Entries(ports, owner);
        if (entries.Count == 0)
        {
            return;
        }

        using FileLock alone = _cgroup.Lock();
        using SocketHooks hooks = EnsureAttached();
        BpfSystemCall.UpdateAll(hooks.Ports, Join(entries, static entry => entry.Key), Join(entries, static entry => entry.Value), entries.Count);
    }

    /// <summary>Whether every program is attached.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public bool IsAttached => SocketHooks.IsComplete(_cgroup);

    /// <summary>Removes ports, unless they are another owner's by now; with the last one the programs are detached.</summary>
    /// <returns>Whether there is none any more, of this namespace or of another.</returns>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public bool Remove(IReadOnlyList<PublishedPort> ports, string owner)
    {
        List<SocketEntry> entries = Entries(ports, owner);
        if (entries.Count == 0)
        {
            return false;
        }

        using FileLock alone = _cgroup.Lock();
        using SocketHooks? hooks = SocketHooks.Find(_cgroup);
        if (hooks is null)
        {
            SocketHooks.Detach(_cgroup);   // of an ADD that was killed between two of them
            return true;
        }

        // The caller may name one twice.
        HashSet<string> known = [];
        byte[] value = new byte[SocketEntry.ValueSize];
        List<SocketEntry> own = entries.FindAll(entry =>
            BpfSystemCall.TryLookup(hooks.Ports, entry.Key, value) && entry.HasOwnerOf(value) && known.Add(Convert.ToHexString(entry.Key)));
        if (own.Count > 0)
        {
            BpfSystemCall.DeleteAll(hooks.Ports, Join(own, static entry => entry.Key), own.Count);
        }

        return DetachIfUnused(hooks);
    }

    /// <summary>Those of the ports on loopback addresses that lead elsewhere or nowhere.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public IReadOnlyList<PublishedPort> FindMissing(IReadOnlyList<PublishedPort> ports, string owner)
    {
        List<PublishedPort> missing = [];
        using SocketHooks? hooks = SocketHooks.Find(_cgroup);
        bool complete = hooks is not null && SocketHooks.IsComplete(_cgroup);
        byte[] value = new byte[SocketEntry.ValueSize];
        foreach (PublishedPort port in ports)
        {
            if (SocketEntry.Find(port, _cookie, owner) is SocketEntry entry
                && !(complete && BpfSystemCall.TryLookup(hooks!.Ports, entry.Key, value) && value.AsSpan().SequenceEqual(entry.Value)))
            {
                missing.Add(port);
            }
        }

        return missing;
    }

    /// <summary>
    /// Compares the entries of this namespace with what should be there, and makes them be just that if they are to be repaired, without a moment in which one
    /// that stays is not there.
    /// </summary>
    /// <returns>How many entries are missing, wrong or nobody's, or were; programs that are not attached count as one.</returns>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public int Compare(IReadOnlyList<(PublishedPort Port, string Owner)> ports, bool repair)
    {
        Dictionary<string, SocketEntry> wanted = [];
        foreach ((PublishedPort port, string owner) in ports)
        {
            if (SocketEntry.Find(port, _cookie, owner) is SocketEntry entry)
            {
                wanted[Convert.ToHexString(entry.Key)] = entry;
            }
        }

        using FileLock alone = _cgroup.Lock();
        bool isAttached = wanted.Count == 0 || SocketHooks.IsComplete(_cgroup);
        using SocketHooks? hooks = wanted.Count > 0 && repair ? EnsureAttached() : SocketHooks.Find(_cgroup);
        if (hooks is null)
        {
            if (repair)
            {
                SocketHooks.Detach(_cgroup);   // of an ADD that was killed between two of them
            }

            return wanted.Count;
        }

        int differences = (isAttached ? 0 : 1) + Compare(hooks, wanted, repair);
        if (repair)
        {
            DetachIfUnused(hooks);
        }

        return differences;
    }

    /// <summary>The keys of this namespace's entries: <see cref="SocketEntry"/>.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    internal IReadOnlyList<byte[]> ListKeys()
    {
        using SocketHooks? hooks = SocketHooks.Find(_cgroup);
        return hooks is null ? [] : ListKeys(hooks);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loaded?.Dispose();
        _cgroup.Dispose();
    }

    private static bool BitConverterIsLittleEndian => System.Runtime.InteropServices.MemoryMarshal.AsBytes<ushort>([1])[0] == 1;

    private static byte[] Join(List<SocketEntry> entries, Func<SocketEntry, byte[]> part)
    {
        int length = part(entries[0]).Length;
        byte[] joined = new byte[entries.Count * length];
        for (int i = 0; i < entries.Count; i++)
        {
            part(entries[i]).CopyTo(joined, i * length);
        }

        return joined;
    }

    private List<SocketEntry> Entries(IReadOnlyList<PublishedPort> ports, string owner)
    {
        List<SocketEntry> entries = [];
        foreach (PublishedPort port in ports)
        {
            if (SocketEntry.Find(port, _cookie, owner) is SocketEntry entry)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    private int Compare(SocketHooks hooks, Dictionary<string, SocketEntry> wanted, bool repair)
    {
        int differences = 0;
        foreach (byte[] key in ListKeys(hooks))
        {
            if (!wanted.ContainsKey(Convert.ToHexString(key)))
            {
                differences++;
                if (repair)
                {
                    BpfSystemCall.TryDelete(hooks.Ports, key);
                }
            }
        }

        byte[] value = new byte[SocketEntry.ValueSize];
        foreach (SocketEntry entry in wanted.Values)
        {
            if (!BpfSystemCall.TryLookup(hooks.Ports, entry.Key, value) || !value.AsSpan().SequenceEqual(entry.Value))
            {
                differences++;
                if (repair)
                {
                    BpfSystemCall.Update(hooks.Ports, entry.Key, entry.Value);
                }
            }
        }

        return differences;
    }

    /// <summary>The caller holds the lock: nobody detaches them before its entries are in.</summary>
    private SocketHooks EnsureAttached()
    {
        SocketHooks? present = SocketHooks.Find(_cgroup);
        if (present is { Version: >= SocketHooks.CurrentVersion } && SocketHooks.IsComplete(_cgroup))
        {
            return present;
        }

        SocketHooks hooks = present is null ? Interlocked.Exchange(ref _loaded, null) ?? SocketHooks.Load() : SocketHooks.Upgrade(present);
        hooks.Attach(_cgroup);
        return hooks;
    }

    private bool DetachIfUnused(SocketHooks hooks)
    {
        if (BpfSystemCall.TryGetNextKey(hooks.Ports, [], new byte[SocketEntry.KeySize]))
        {
            return false;
        }

        SocketHooks.Detach(_cgroup);
        return true;
    }

    private List<byte[]> ListKeys(SocketHooks hooks)
    {
        List<byte[]> keys = [];
        byte[] key = [];
        byte[] next = new byte[SocketEntry.KeySize];
        while (BpfSystemCall.TryGetNextKey(hooks.Ports, key, next))
        {
            key = [.. next];
            if (SocketEntry.IsOf(key, _cookie))
            {
                keys.Add(key);
            }
        }

        return keys;
    }
}
