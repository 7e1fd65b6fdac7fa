using CniPlugins.Linux;

namespace CniPlugins.Ipam;

/// <summary>A lease directory while its lock is held: what it says does not change, unless by this.</summary>
internal sealed class LeaseSession : IDisposable
{
    private const string LastReservedName = "last_reserved_ip.";

    private readonly StateDirectory _leases;
    private readonly FileLock _lock;
    private readonly LeaseIndex _index;

    internal LeaseSession(StateDirectory leases, FileLock held, LeaseIndex index)
    {
        _leases = leases;
        _lock = held;
        _index = index;
    }

    internal LeaseIndex Index => _index;

    /// <summary>The addresses whose files carry the text.</summary>
    internal List<UInt128> List(ReadOnlySpan<byte> owner)
    {
        List<UInt128> addresses = [];
        while (true)
        {
            bool isTrue = true;
            foreach (LeaseRecord record in _index.List(owner))
            {
                // Different owners may have one hash; an index that disagrees with the files is another matter.
                Belonging belonging = Belongs(record.Address, owner, record.Owner);
                isTrue &= belonging != Belonging.Unknown;
                if (belonging == Belonging.Owned)
                {
                    addresses.Add(record.Address);
                }
            }

            if (isTrue || _index.IsFresh)
            {
                return addresses;
            }

            _index.Rebuild();
            addresses.Clear();
        }
    }

    /// <summary>Whether the address's file carries the owner's text, in either form.</summary>
    internal bool Holds(LeaseText owner, UInt128 address)
    {
        Span<byte> buffer = stackalloc byte[LeaseText.Limit];
        ReadOnlySpan<byte> content = Read(address, buffer);
        return !content.IsEmpty && (content.SequenceEqual(owner.Bytes) || content.SequenceEqual(owner.Legacy));
    }

    /// <summary>Leases an address. False when somebody has it.</summary>
    internal bool TryReserve(UInt128 address, LeaseText owner, int setIndex)
    {
        string name = AddressText.Format(address);
        if (!StateFiles.TryCreate(_leases, name, owner.Bytes))
        {
            return false;
        }

        FileStatus status = _leases.FindStatus(name) ?? default;
        _index.Add(new LeaseRecord(SlotTable.Hash(owner.Bytes), address, status.Inode, status.Modified, IsOurs: true));
        try
        {
            StateFiles.Overwrite(_leases, LastReservedName + setIndex, System.Text.Encoding.ASCII.GetBytes(name));
        }
        catch (LinuxException)
        {
            // Only the order of addresses hangs on it. The lease is made, and to report a failure would lose it.
        }

        return true;
    }

    /// <summary>Whether a taken address is held by nobody: the file of a writer that died. It is removed.</summary>
    internal bool TryRecover(UInt128 address)
    {
        string name = AddressText.Format(address);
        Span<byte> buffer = stackalloc byte[LeaseText.Limit];
        return _leases.FindContent(name, buffer, out _) is int length
            && LeaseText.Trim(buffer[..length]).IsEmpty
            && _leases.TryDelete(name);
    }

    /// <summary>Gives an address back. The caller has seen whose it is.</summary>
    internal void Release(ReadOnlySpan<byte> owner, UInt128 address)
    {
        _leases.TryDelete(AddressText.Format(address));
        _index.Remove(owner, address);
    }

    /// <summary>The address that was leased last from a range set; null when that is not known.</summary>
    internal UInt128? FindLastReserved(int setIndex)
    {
        Span<byte> buffer = stackalloc byte[64];
        int? length = _leases.FindContent(LastReservedName + setIndex, buffer, out _);
        if (length is null)
        {
            return null;
        }

        string text = System.Text.Encoding.ASCII.GetString(LeaseText.Trim(buffer[..length.Value]));
        return AddressText.TryParseNumber(text, out UInt128 address) ? address : null;
    }

    /// <summary>All lease files that name an owner, with what they say.</summary>
    internal List<(UInt128 Address, byte[] Text, LeaseOwner Owner)> ListAll()
    {
        List<(UInt128, byte[], LeaseOwner)> all = [];
        byte[] buffer = new byte[LeaseText.Limit];
        DirectoryReader entries = _leases.List();
        while (entries.Read())
        {
            if (entries.Kind == FileKind.Regular
                && AddressText.TryParseNumber(entries.Name, out UInt128 address) && AddressText.Format(address) == entries.Name
                && _leases.FindContent(entries.Name, buffer, out _) is int length and < LeaseText.Limit
                && LeaseText.FindOwner(LeaseText.Trim(buffer.AsSpan(0, length))) is LeaseOwner owner)
            {
                all.Add((address, LeaseText.Trim(buffer.AsSpan(0, length)).ToArray(), owner));
            }
        }

        return all;
    }

    /// <summary>Makes the index valid for the next call.</summary>
    internal void Commit() => _index.Commit();

    /// <inheritdoc/>
    public void Dispose()
    {
        _index.Dispose();
        _lock.Dispose();
        _leases.Dispose();
    }

    private Belonging Belongs(UInt128 address, ReadOnlySpan<byte> owner, ulong hash)
    {
        Span<byte> buffer = stackalloc byte[LeaseText.Limit];
        ReadOnlySpan<byte> content = Read(address, buffer);
        return content.SequenceEqual(owner) ? Belonging.Owned
            : !content.IsEmpty && SlotTable.Hash(content) == hash ? Belonging.Foreign
            : Belonging.Unknown;
    }

    private ReadOnlySpan<byte> Read(UInt128 address, Span<byte> buffer)
    {
        int? length = _leases.FindContent(AddressText.Format(address), buffer, out _);
        return length is null or LeaseText.Limit ? default : LeaseText.Trim(buffer[..length.Value]);
    }

    private enum Belonging
    {
        Unknown,
        Owned,
        Foreign,
    }
}
