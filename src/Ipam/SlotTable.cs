using System.Buffers.Binary;

namespace CniPlugins.Ipam;

/// <summary>
/// A hash table of 64-byte slots with open addressing, linear probing and deletion by shifting back, in memory or in a file. The
/// first byte of a slot is its kind, 0 when it is empty. Numbers are little-endian: the file never leaves the host.
/// </summary>
internal sealed class SlotTable
{
    internal const int SlotSize = 64;
    internal const int HeaderSize = 4096;
    internal const int SmallestSlots = 64;
    internal const int KeyOffset = 16;
    internal const byte Empty = 0, LeaseKind = 1, SpillKind = 2, BlockKind = 3;

    private const int WindowSlots = 8;

    private readonly TableStorage _storage;
    private readonly long _mask;
    private readonly byte[] _window = new byte[WindowSlots * SlotSize];
    private long _windowStart = -1;
    private long _run;
    private long _last = -1;

    /// <summary>Works on slots that begin after the header; their number is a power of two.</summary>
    internal SlotTable(TableStorage storage, long slots, long used)
    {
        _storage = storage;
        _mask = slots - 1;
        Used = used;
    }

    /// <summary>Slots in use, of every kind.</summary>
    internal long Used { get; private set; }

    internal long Slots => _mask + 1;

    internal TableStorage Storage => _storage;

    /// <summary>Where probing for a hash begins.</summary>
    internal long Home(ulong hash)
    {
        unchecked
        {
            // The finalizer of MurmurHash3: the low bits of the hashes alone are weak.
            hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
            hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
            return (long)(hash ^ (hash >> 33)) & _mask;
        }
    }

    internal long Next(long index) => (index + 1) & _mask;

    /// <summary>Copies a slot out; false when it is empty.</summary>
    /// <exception cref="InvalidDataException">Probing has gone round: the table is damaged.</exception>
    internal bool Read(long index, Span<byte> slot)
    {
        long start = index & ~(WindowSlots - 1L);
        if (start != _windowStart)
        {
            _storage.Read(HeaderSize + (start * SlotSize), _window);
            _windowStart = start;
        }

        _window.AsSpan((int)(index - start) * SlotSize, SlotSize).CopyTo(slot);
        bool used = slot[0] != Empty;
        _run = used && index == Next(_last) ? _run + 1 : 0;
        _last = index;
        return _run <= 2 * Slots ? used : throw new InvalidDataException("the lease index has no empty slot");
    }

    /// <summary>Overwrites a slot that is in use.</summary>
    internal void Write(long index, ReadOnlySpan<byte> slot)
    {
        _storage.Write(HeaderSize + (index * SlotSize), slot);
        long start = index & ~(WindowSlots - 1L);
        if (start == _windowStart)
        {
            slot.CopyTo(_window.AsSpan((int)(index - start) * SlotSize));
        }
    }

    /// <summary>Fills an empty slot.</summary>
    internal void Add(long index, ReadOnlySpan<byte> slot)
    {
        Write(index, slot);
        Used++;
    }

    /// <summary>Empties a slot, and moves back what would no longer be found behind it.</summary>
    internal void Remove(long hole)
    {
        Span<byte> slot = stackalloc byte[SlotSize];
        for (long index = Next(hole); Read(index, slot); index = Next(index))
        {
            if (((index - Home(HashOf(slot))) & _mask) >= ((index - hole) & _mask))
            {
                Write(hole, slot);
                hole = index;
            }
        }

        slot.Clear();
        Write(hole, slot);
        Used--;
    }

    /// <summary>The hash of a key that is a number, for one kind of slot (and level).</summary>
    internal static ulong Hash(UInt128 key, uint kind) =>
        unchecked(((ulong)key * 0x9E3779B97F4A7C15) ^ (((ulong)(key >> 64) + kind) * 0xC2B2AE3D27D4EB4F));

    /// <summary>The hash of a lease's owner.</summary>
    internal static ulong Hash(ReadOnlySpan<byte> owner)
    {
        unchecked
        {
            ulong hash = 0xCBF29CE484222325;   // FNV-1a
            foreach (byte value in owner)
            {
                hash = (hash ^ value) * 0x100000001B3;
            }

            return hash;
        }
    }

    private static ulong HashOf(ReadOnlySpan<byte> slot) => slot[0] switch
    {
        LeaseKind => BinaryPrimitives.ReadUInt64LittleEndian(slot[8..]),
        SpillKind => Hash(BinaryPrimitives.ReadUInt128LittleEndian(slot[KeyOffset..]), SpillKind),
        _ => Hash(BinaryPrimitives.ReadUInt128LittleEndian(slot[KeyOffset..]), BlockKind + ((uint)slot[1] << 8)),
    };
}
