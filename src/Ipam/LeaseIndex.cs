using CniPlugins.Linux;

namespace CniPlugins.Ipam;

/// <summary>
/// The table of a lease directory, kept in a file beside it. It is a cache: the files are the truth, and a reference <c>host-local</c> may
/// change them between two calls. Whoever adds or removes a file changes the directory's time of modification; so after a change
/// of our own that time is set to a value of our choice, which the index holds too. Equal means that nobody else was here. This also
/// commits: a process that dies between its first change and its last leaves the times unequal, and the next one reads all files anew.
/// </summary>
internal sealed class LeaseIndex : IDisposable
{
    private readonly StateDirectory _leases;
    private readonly StateDirectory? _home;
    private readonly string _name;
    private readonly LeaseStoreOptions _options;
    private readonly UInt128 _boot;
    private StateFile? _file;
    private LeaseTable _table = LeaseTable.InMemory();
    private IndexHeader _header = new();
    private bool _changed;
    private bool _released;
    private bool _rewrite;

    private LeaseIndex(StateDirectory leases, StateDirectory? home, string name, LeaseStoreOptions options)
    {
        _leases = leases;
        _home = home;
        _name = name;
        _options = options;
        _boot = IndexHeader.Fingerprint(options.BootId);
    }

    /// <summary>Whether the files were read in this call: the index is then as right as it can be.</summary>
    internal bool IsFresh { get; private set; }

    /// <summary>
    /// Opens the index of a locked lease directory, and owns the place it is kept in; without one it is made anew and forgotten.
    /// </summary>
    internal static LeaseIndex Open(StateDirectory leases, StateDirectory? home, string name, LeaseStoreOptions options)
    {
        LeaseIndex index = new(leases, home, name, options);
        try
        {
            if (!index.TryLoad())
            {
                index.Rebuild();
            }

            return index;
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    /// <summary>Reads all files again.</summary>
    internal void Rebuild()
    {
        LeaseTable? known = _file is null ? null : _table;
        bool isOtherBoot = _header.Boot != _boot;
        UInt128 host = IndexHeader.Fingerprint(_options.HostId());
        if (isOtherBoot && (_header.Host != host || !_leases.IsLocal))
        {
            // The other boot may be another host's, and its leases in use.
            known = null;
        }

        LeaseScan scan = new(_leases, known, isOtherBoot);
        try
        {
            scan.Run();
        }
        catch (Exception e) when (known is not null && e is InvalidDataException or LinuxException { Call: "pread" })
        {
            // The old index is damaged. What it knew is lost, the leases are not.
            scan = new LeaseScan(_leases, null, isOtherBoot);
            scan.Run();
        }

        IndexHeader header = new() { Boot = _boot, Host = host, Scanned = _options.Clock.GetTimestamp() };
        if (!isOtherBoot)
        {
            header.CopyReleases(_header);
        }

        _file?.Dispose();
        _file = null;
        (_table, _header) = (scan.Table, header);
        _rewrite = _changed = IsFresh = true;
    }

    /// <summary>The leases of an owner, by the hash of its text.</summary>
    internal List<LeaseRecord> List(ReadOnlySpan<byte> owner)
    {
        ulong hash = SlotTable.Hash(owner);
        try
        {
            return _table.List(hash);
        }
        catch (Exception e) when (IsDamage(e))
        {
            Rebuild();
            return _table.List(hash);
        }
    }

    /// <summary>The first free address from one to another, both inclusive; null when all are taken.</summary>
    internal UInt128? FindFree(UInt128 from, UInt128 to)
    {
        try
        {
            return _table.Tree.FindFree(from, to);
        }
        catch (Exception e) when (IsDamage(e))
        {
            Rebuild();
            return _table.Tree.FindFree(from, to);
        }
    }

    /// <summary>How many addresses from one to another are taken.</summary>
    internal long CountTaken(UInt128 from, UInt128 to)
    {
        try
        {
            return _table.Tree.Count(from, to);
        }
        catch (Exception e) when (IsDamage(e))
        {
            Rebuild();
            return _table.Tree.Count(from, to);
        }
    }

    /// <summary>A lease file was made.</summary>
    internal void Add(in LeaseRecord record)
    {
        _changed = true;
        try
        {
            if (_table.IsCrowded)
            {
                _table = _table.Grow();
                _rewrite = true;
            }

            _table.Add(record);
        }
        catch (Exception e) when (IsDamage(e))
        {
            Rebuild();
        }
    }

    /// <summary>A lease file was removed.</summary>
    internal void Remove(ReadOnlySpan<byte> owner, UInt128 address)
    {
        _changed = true;
        _released = true;
        _header.AddRelease(address, _options.Clock.GetTimestamp());
        ulong hash = SlotTable.Hash(owner);
        try
        {
            _table.Remove(hash, address);
        }
        catch (Exception e) when (IsDamage(e))
        {
            Rebuild();
        }
    }

    /// <summary>An address turned out to be taken that the index called free, and reading the files did not tell by whom.</summary>
    internal void SetTaken(UInt128 address)
    {
        _changed = true;
        _table.Tree.SetTaken(address);
    }

    /// <summary>When an address that is still held down was released; null when it may be given out freely.</summary>
    internal long? FindHold(UInt128 address)
    {
        if (_options.HoldDown <= TimeSpan.Zero)
        {
            return null;
        }

        long? released = _header.FindRelease(address);
        return released is not null && _options.Clock.GetElapsedTime(released.Value) < _options.HoldDown ? released : null;
    }

    /// <summary>Whether the files were read, by whatever call, within the given time.</summary>
    internal bool WasScannedWithin(TimeSpan time) => IsFresh || _options.Clock.GetElapsedTime(_header.Scanned) < time;

    /// <summary>Makes the index valid again after changes. Without it the next call reads all files.</summary>
    internal void Commit()
    {
        if (!_changed || _home is null)
        {
            return;
        }

        FileStatus directory = _leases.GetStatus();
        long stamp = (_options.Clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
        (_header.Device, _header.Inode, _header.Stamp) = (directory.Device, directory.Inode, stamp);
        (_header.Slots, _header.Used, _header.Spills) = (_table.Slots, _table.Used, _table.Spills);
        try
        {
            if (_rewrite)
            {
                _header.WriteAll(_table.Storage);
                _file?.Dispose();
                _file = null;
                _file = StateFile.Replace(_home, _name, _table.Storage.Memory);
            }
            else
            {
                _header.WriteChanges(_table.Storage, _released);
            }

            _leases.TrySetModified(stamp);
            _changed = _rewrite = _released = false;
        }
        catch (LinuxException)
        {
            // A full disk, mostly. The lease stands; without the stamp the next call makes the index anew.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _home?.Dispose();
    }

    /// <summary>Loads what is there, even when it cannot be trusted, and says whether it can.</summary>
    private bool TryLoad()
    {
        _file = _home is null ? null : StateFile.Find(_home, _name);
        if (_file is null)
        {
            return false;
        }

        TableStorage storage = new(_file);
        IndexHeader? header = IndexHeader.Find(storage, _file.Size);
        if (header is null)
        {
            _file.Dispose();
            _file = null;
            return false;
        }

        _header = header;
        _table = new LeaseTable(storage, header.Slots, header.Used, header.Spills);
        FileStatus directory = _leases.GetStatus();
        return header.Boot == _boot && header.Device == directory.Device && header.Inode == directory.Inode
            && header.Stamp == directory.Modified;
    }

    private static bool IsDamage(Exception e) => e is InvalidDataException or LinuxException { Call: "pread" or "pwrite" };
}
