using System.Buffers.Binary;
using System.Numerics;
using static CniPlugins.Ipam.SlotTable;

namespace CniPlugins.Ipam;

/// <summary>
/// Which addresses are taken: a tree of blocks of 256 bits, each a slot of the table, found by level and prefix. A bit of level 0
/// says that an address is taken, a bit of level n that 256^n of them are. So a pool with one free address in 65,536 is searched in
/// three steps, and an IPv6 /64 costs what is used of it.
/// <code>u8 kind=3, u8 level, 14 unused, u128 prefix, 256 bits</code>
/// </summary>
internal sealed class AddressTree
{
    private const int Levels = 16;
    private const int BitsOffset = 32;

    private readonly SlotTable _slots;

    internal AddressTree(SlotTable slots) => _slots = slots;

    /// <summary>Marks an address as taken.</summary>
    internal void SetTaken(UInt128 address)
    {
        Span<byte> slot = stackalloc byte[SlotSize];
        for (int level = 0; level < Levels; level++)
        {
            UInt128 prefix = Prefix(address, level);
            int branch = Branch(address, level);
            long index = Find(prefix, level, slot);
            bool isNew = slot[0] == Empty;
            if (isNew)
            {
                slot.Clear();
                slot[0] = BlockKind;
                slot[1] = (byte)level;
                BinaryPrimitives.WriteUInt128LittleEndian(slot[KeyOffset..], prefix);
            }

            slot[BitsOffset + (branch / 8)] |= (byte)(1 << (branch % 8));
            if (isNew)
            {
                _slots.Add(index, slot);
            }
            else
            {
                _slots.Write(index, slot);
            }

            if (!IsFull(slot))
            {
                return;
            }
        }
    }

    /// <summary>Marks an address as free.</summary>
    internal void SetFree(UInt128 address)
    {
        Span<byte> slot = stackalloc byte[SlotSize];
        for (int level = 0; level < Levels; level++)
        {
            int branch = Branch(address, level);
            long index = Find(Prefix(address, level), level, slot);
            if (slot[0] == Empty)
            {
                return;
            }

            bool wasFull = IsFull(slot);
            slot[BitsOffset + (branch / 8)] &= (byte)(0xFF ^ (1 << (branch % 8)));
            if (slot[BitsOffset..].IndexOfAnyExcept((byte)0) < 0)
            {
                _slots.Remove(index);
            }
            else
            {
                _slots.Write(index, slot);
            }

            if (!wasFull)
            {
                return;
            }
        }
    }

    /// <summary>The first free address from one to another, both inclusive; null when all are taken.</summary>
    internal UInt128? FindFree(UInt128 from, UInt128 to)
    {
        Span<byte> slot = stackalloc byte[SlotSize];
        UInt128 unit = from;   // at level n the number of 256^n addresses
        int level = 0;

        // The bound holds whatever a damaged table says; a sound one needs far fewer steps.
        for (long step = 0; step <= 64 + (4 * _slots.Slots); step++)
        {
            Find(unit >> 8, level, slot);
            int start = (int)(unit & 0xFF);
            int branch = slot[0] == Empty ? start : FirstZero(slot[BitsOffset..], start);
            if (branch <= 255)
            {
                unit = (unit & ~(UInt128)0xFF) | (uint)branch;
            }
            else if (level == Levels - 1 || unit >> 8 == UInt128.MaxValue >> (8 * (level + 1)))
            {
                return null;
            }
            else
            {
                unit = (unit >> 8) + 1;
                level++;
            }

            if (unit << (8 * level) > to)
            {
                return null;
            }

            if (branch <= 255)
            {
                if (level == 0)
                {
                    return unit;
                }

                unit <<= 8;
                level--;
            }
        }

        throw new InvalidDataException("the lease index calls full what is not");
    }

    /// <summary>How many addresses from one to another are taken.</summary>
    internal long Count(UInt128 from, UInt128 to)
    {
        long count = 0;
        Span<byte> slot = stackalloc byte[SlotSize];
        if ((to >> 8) - (from >> 8) < (UInt128)_slots.Slots)
        {
            // Few blocks: look each of them up. A /16 has 256, whatever the size of the table.
            for (UInt128 prefix = from >> 8; prefix <= to >> 8; prefix++)
            {
                Find(prefix, 0, slot);
                count += slot[0] == Empty ? 0 : Count(slot, from, to);
            }

            return count;
        }

        for (long index = 0; index < _slots.Slots; index++)
        {
            count += _slots.Read(index, slot) && slot[0] == BlockKind && slot[1] == 0 ? Count(slot, from, to) : 0;
        }

        return count;
    }

    /// <summary>Copies all blocks to a table that has none.</summary>
    internal void CopyTo(AddressTree other)
    {
        Span<byte> slot = stackalloc byte[SlotSize], hole = stackalloc byte[SlotSize];
        for (long index = 0; index < _slots.Slots; index++)
        {
            if (_slots.Read(index, slot) && slot[0] == BlockKind)
            {
                long target = other.Find(BinaryPrimitives.ReadUInt128LittleEndian(slot[KeyOffset..]), slot[1], hole);
                other._slots.Add(target, slot);
            }
        }
    }

    private static UInt128 Prefix(UInt128 address, int level) => level == Levels - 1 ? 0 : address >> (8 * (level + 1));

    private static int Branch(UInt128 address, int level) => (int)((address >> (8 * level)) & 0xFF);

    private static bool IsFull(ReadOnlySpan<byte> slot) => slot[BitsOffset..].IndexOfAnyExcept((byte)0xFF) < 0;

    /// <summary>The taken addresses of a block that lie from one to another.</summary>
    private static int Count(ReadOnlySpan<byte> slot, UInt128 from, UInt128 to)
    {
        UInt128 first = BinaryPrimitives.ReadUInt128LittleEndian(slot[KeyOffset..]) << 8;
        if (first > to || (first | 0xFF) < from)
        {
            return 0;
        }

        int low = first >= from ? 0 : (int)(from - first);
        int high = (first | 0xFF) <= to ? 255 : (int)(to - first);
        int count = 0;
        for (int branch = low; branch <= high; branch++)
        {
            count += (slot[BitsOffset + (branch / 8)] >> (branch % 8)) & 1;
        }

        return count;
    }

    private static int FirstZero(ReadOnlySpan<byte> bits, int from)
    {
        for (int bit = from; bit < 256; bit = (bit | 7) + 1)
        {
            int zeros = ~bits[bit / 8] & 0xFF & (0xFF << (bit % 8));
            if (zeros != 0)
            {
                return (bit & ~7) + BitOperations.TrailingZeroCount(zeros);
            }
        }

        return 256;
    }

    /// <summary>The slot of a block, or the empty one where it would go.</summary>
    private long Find(UInt128 prefix, int level, Span<byte> slot)
    {
        long index = _slots.Home(Hash(prefix, BlockKind + ((uint)level << 8)));
        while (_slots.Read(index, slot)
            && (slot[0] != BlockKind || slot[1] != level || BinaryPrimitives.ReadUInt128LittleEndian(slot[KeyOffset..]) != prefix))
        {
            index = _slots.Next(index);
        }

        return index;
    }
}
