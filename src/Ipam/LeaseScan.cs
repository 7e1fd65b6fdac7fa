using System.Numerics;
using CniPlugins.Linux;

namespace CniPlugins.Ipam;

/// <summary>
/// Reads all lease files once and makes the table of them: what the reference does on every call, and this software when the
/// directory was changed by somebody else. Done under the lock, so an empty file is what a writer left who died, and is removed.
/// </summary>
internal ref struct LeaseScan
{
    private readonly StateDirectory _leases;
    private readonly LeaseTable? _known;
    private readonly bool _isOtherBoot;
    private readonly byte[] _buffer = new byte[LeaseText.Limit];

    /// <param name="leases">The directory.</param>
    /// <param name="known">An earlier table, to take over which leases were made here.</param>
    /// <param name="isOtherBoot">Whether that table is of another boot of this host: its own leases cannot be in use.</param>
    internal LeaseScan(StateDirectory leases, LeaseTable? known, bool isOtherBoot)
    {
        _leases = leases;
        _known = known;
        _isOtherBoot = isOtherBoot;
        Table = LeaseTable.InMemory(CountSlots(leases));
    }

    /// <summary>The table.</summary>
    internal LeaseTable Table { get; private set; }

    /// <summary>Reads everything.</summary>
    internal void Run()
    {
        DirectoryReader entries = _leases.List();
        while (entries.Read())
        {
            // A name in another form is not one that an allocator would come upon: it takes no address.
            if (AddressText.TryParseNumber(entries.Name, out UInt128 address) && AddressText.Format(address) == entries.Name)
            {
                Table = Table.IsCrowded ? Table.Grow() : Table;
                Take(entries.Name, entries.Kind, address);
            }
        }
    }

    /// <summary>Slots for all names there are, twice over, so that the table need not grow while it is built.</summary>
    private static long CountSlots(StateDirectory leases)
    {
        long names = SlotTable.SmallestSlots / 4;
        DirectoryReader entries = leases.List();
        while (entries.Read())
        {
            names++;
        }

        return (long)BitOperations.RoundUpToPowerOf2((ulong)(names + (names / 64)) * 2);
    }

    private void Take(string name, FileKind kind, UInt128 address)
    {
        FileStatus status = default;
        int? length = kind == FileKind.Regular ? _leases.FindContent(name, _buffer, out status) : null;
        if (length is null or LeaseText.Limit)
        {
            // A directory, link, FIFO, or a text too long to be an owner's: the name is taken, by nobody we know.
            Table.Tree.SetTaken(address);
            return;
        }

        ReadOnlySpan<byte> owner = LeaseText.Trim(_buffer.AsSpan(0, length.Value));
        if (owner.IsEmpty)
        {
            _leases.TryDelete(name);
            return;
        }

        ulong hash = SlotTable.Hash(owner);
        bool isOurs = IsOurs(hash, address, status);
        if (isOurs && _isOtherBoot)
        {
            _leases.TryDelete(name);
            return;
        }

        Table.Add(new LeaseRecord(hash, address, status.Inode, status.Modified, isOurs));
    }

    private readonly bool IsOurs(ulong hash, UInt128 address, in FileStatus status)
    {
        if (_known is null)
        {
            return false;
        }

        foreach (LeaseRecord record in _known.List(hash))
        {
            if (record.Address == address && record.Inode == status.Inode && record.Modified == status.Modified)
            {
                return record.IsOurs;
            }
        }

        return false;
    }
}
