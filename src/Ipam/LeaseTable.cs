using System.Buffers.Binary;
using static CniPlugins.Ipam.SlotTable;

namespace CniPlugins.Ipam;

/// <summary>
/// The index's two questions, answered by reading a few hundred bytes whatever the number of leases: which addresses an owner has, and
/// which address is the next free one.
/// <code>
/// lease: u8 kind=1, u8 flags, 6 unused, u64 owner, u128 address, u64 inode, s64 modified
/// spill: kind=2, the same, but found by address: the leases of one owner beyond the 32nd
/// </code>
/// </summary>
internal sealed class LeaseTable
{
    private const byte Ours = 1;
    private const int ChainLimit = 32;

    private readonly SlotTable _slots;

    internal LeaseTable(TableStorage storage, long slots, long used, long spills)
    {
        Spills = spills;
        _slots = new SlotTable(storage, slots, used);
        Tree = new AddressTree(_slots);
    }

    /// <summary>Which addresses are taken.</summary>
    internal AddressTree Tree { get; }

    /// <summary>Slots in use, of every kind.</summary>
    internal long Used => _slots.Used;

    /// <summary>Slots of the spill kind: while there are any, every question for an owner reads all.</summary>
    internal long Spills { get; private set; }

    internal long Slots => _slots.Slots;

    internal TableStorage Storage => _slots.Storage;

    /// <summary>So full that probing gets long. An entry adds up to 17 slots: its own and a block on every level.</summary>
    internal bool IsCrowded => (_slots.Used + 17) * 2 > _slots.Slots;

    /// <summary>An empty table in memory.</summary>
    internal static LeaseTable InMemory(long slots = SmallestSlots) =>
        new(new TableStorage(new byte[HeaderSize + (slots * SlotSize)]), slots, 0, 0);

    /// <summary>The same entries in memory, with room for as many again.</summary>
    internal LeaseTable Grow()
    {
        LeaseTable larger = InMemory(Slots * 2);
        foreach (LeaseRecord record in List())
        {
            larger.Put(record);
        }

        Tree.CopyTo(larger.Tree);
        return larger;
    }

    /// <summary>The leases of an owner.</summary>
    internal List<LeaseRecord> List(ulong owner)
    {
        List<LeaseRecord> found = [];
        Span<byte> slot = stackalloc byte[SlotSize];
        for (long index = _slots.Home(owner); _slots.Read(index, slot); index = _slots.Next(index))
        {
            if (slot[0] == LeaseKind && OwnerOf(slot) == owner)
            {
                found.Add(Decode(slot));
            }
        }

        if (Spills > 0)
        {
            for (long index = 0; index < Slots; index++)
            {
                if (_slots.Read(index, slot) && slot[0] == SpillKind && OwnerOf(slot) == owner)
                {
                    found.Add(Decode(slot));
                }
            }
        }

        return found;
    }

    /// <summary>All leases that have an owner.</summary>
    internal IEnumerable<LeaseRecord> List()
    {
        byte[] slot = new byte[SlotSize];
        for (long index = 0; index < Slots; index++)
        {
            if (_slots.Read(index, slot) && slot[0] is LeaseKind or SpillKind)
            {
                yield return Decode(slot);
            }
        }
    }

    /// <summary>Adds a lease and marks its address as taken. The table must not be crowded.</summary>
    internal void Add(in LeaseRecord record)
    {
        Put(record);
        Tree.SetTaken(record.Address);
    }

    /// <summary>Takes a lease out and marks its address as free.</summary>
    internal void Remove(ulong owner, UInt128 address)
    {
        Tree.SetFree(address);
        if (!TryRemove(_slots.Home(owner), LeaseKind, owner, address))
        {
            Spills -= TryRemove(_slots.Home(Hash(address, SpillKind)), SpillKind, owner, address) ? 1 : 0;
        }
    }

    private static ulong OwnerOf(ReadOnlySpan<byte> slot) => BinaryPrimitives.ReadUInt64LittleEndian(slot[8..]);

    private static LeaseRecord Decode(ReadOnlySpan<byte> slot) => new(
        OwnerOf(slot),
        BinaryPrimitives.ReadUInt128LittleEndian(slot[KeyOffset..]),
        BinaryPrimitives.ReadUInt64LittleEndian(slot[32..]),
        BinaryPrimitives.ReadInt64LittleEndian(slot[40..]),
        (slot[1] & Ours) != 0);

    private static void Encode(in LeaseRecord record, byte kind, Span<byte> slot)
    {
        slot.Clear();
        slot[0] = kind;
        slot[1] = record.IsOurs ? Ours : (byte)0;
        BinaryPrimitives.WriteUInt64LittleEndian(slot[8..], record.Owner);
        BinaryPrimitives.WriteUInt128LittleEndian(slot[KeyOffset..], record.Address);
        BinaryPrimitives.WriteUInt64LittleEndian(slot[32..], record.Inode);
        BinaryPrimitives.WriteInt64LittleEndian(slot[40..], record.Modified);
    }

    private void Put(in LeaseRecord record)
    {
        Span<byte> slot = stackalloc byte[SlotSize];
        int chain = 0;
        long index = _slots.Home(record.Owner);
        while (chain < ChainLimit && _slots.Read(index, slot))
        {
            chain += slot[0] == LeaseKind && OwnerOf(slot) == record.Owner ? 1 : 0;
            index = _slots.Next(index);
        }

        // A thousand files with one content would make a chain of a thousand, walked a thousand times.
        if (chain >= ChainLimit)
        {
            index = _slots.Home(Hash(record.Address, SpillKind));
            while (_slots.Read(index, slot))
            {
                index = _slots.Next(index);
            }
        }

        Encode(record, chain >= ChainLimit ? SpillKind : LeaseKind, slot);
        _slots.Add(index, slot);
        Spills += chain >= ChainLimit ? 1 : 0;
    }

    private bool TryRemove(long home, byte kind, ulong owner, UInt128 address)
    {
        Span<byte> slot = stackalloc byte[SlotSize];
        for (long index = home; _slots.Read(index, slot); index = _slots.Next(index))
        {
            if (slot[0] == kind && OwnerOf(slot) == owner
                && BinaryPrimitives.ReadUInt128LittleEndian(slot[KeyOffset..]) == address)
            {
                _slots.Remove(index);
                return true;
            }
        }

        return false;
    }
}
