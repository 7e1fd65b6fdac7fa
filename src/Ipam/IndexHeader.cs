using System.Buffers.Binary;
using System.Text;

namespace CniPlugins.Ipam;

/// <summary>
/// The first 4096 bytes of an index file:
/// <code>
///   0 magic "cniipam1"         32 u64 device, 40 u64 inode: the lease directory
///   8 u64 slots                48 s64 stamp: the directory's time of modification
///  16 u64 used slots           56 u128 boot, 72 u128 host: hashes of their names
///  24 u64 spilled slots        88 s64 time of the last scan    96 u64 releases so far
/// 256 128 times { u128 address, s64 time }: the last releases, a ring
/// </code>
/// </summary>
internal sealed class IndexHeader
{
    private const ulong Magic = 0x316D_6170_6969_6E63;   // "cniipam1"
    private const int RingOffset = 256, RingEntry = 24, RingLength = 128;
    private const int FixedLength = 104;

    private readonly byte[] _bytes = new byte[SlotTable.HeaderSize];

    internal long Slots { get => Get(8); set => Set(8, value); }

    internal long Used { get => Get(16); set => Set(16, value); }

    internal long Spills { get => Get(24); set => Set(24, value); }

    internal ulong Device { get => unchecked((ulong)Get(32)); set => Set(32, unchecked((long)value)); }

    internal ulong Inode { get => unchecked((ulong)Get(40)); set => Set(40, unchecked((long)value)); }

    internal long Stamp { get => Get(48); set => Set(48, value); }

    internal UInt128 Boot
    {
        get => BinaryPrimitives.ReadUInt128LittleEndian(_bytes.AsSpan(56));
        set => BinaryPrimitives.WriteUInt128LittleEndian(_bytes.AsSpan(56), value);
    }

    internal UInt128 Host
    {
        get => BinaryPrimitives.ReadUInt128LittleEndian(_bytes.AsSpan(72));
        set => BinaryPrimitives.WriteUInt128LittleEndian(_bytes.AsSpan(72), value);
    }

    internal long Scanned { get => Get(88); set => Set(88, value); }

    internal byte[] Bytes => _bytes;

    private long Releases { get => Get(96); set => Set(96, value); }

    /// <summary>Reads a header; null when it is none, or does not fit the file's size.</summary>
    internal static IndexHeader? Find(TableStorage storage, long size)
    {
        IndexHeader header = new();
        storage.Read(0, header._bytes);
        long slots = header.Slots;
        return header.Get(0) == unchecked((long)Magic)
            && slots >= SlotTable.SmallestSlots && long.IsPow2(slots) && slots <= int.MaxValue / SlotTable.SlotSize
            && size == SlotTable.HeaderSize + (slots * SlotTable.SlotSize)
            && header.Used >= 0 && header.Used < slots && header.Spills >= 0
            ? header
            : null;
    }

    /// <summary>Writes all of it to the storage.</summary>
    internal void WriteAll(TableStorage storage)
    {
        Set(0, unchecked((long)Magic));
        storage.Write(0, _bytes);
    }

    /// <summary>Writes what changes with every lease; the ring too when something was released.</summary>
    internal void WriteChanges(TableStorage storage, bool released) =>
        storage.Write(0, _bytes.AsSpan(0, released ? RingOffset + (RingEntry * RingLength) : FixedLength));

    /// <summary>Remembers that an address was released.</summary>
    internal void AddRelease(UInt128 address, long time)
    {
        Span<byte> entry = _bytes.AsSpan(RingOffset + (RingEntry * (int)(Releases % RingLength)), RingEntry);
        BinaryPrimitives.WriteUInt128LittleEndian(entry, address);
        BinaryPrimitives.WriteInt64LittleEndian(entry[16..], time);
        Releases++;
    }

    /// <summary>When an address was released last; null when that is not remembered.</summary>
    internal long? FindRelease(UInt128 address)
    {
        long? last = null;
        for (int i = 0; i < RingLength && i < Releases; i++)
        {
            ReadOnlySpan<byte> entry = _bytes.AsSpan(RingOffset + (RingEntry * i), RingEntry);
            if (BinaryPrimitives.ReadUInt128LittleEndian(entry) == address)
            {
                last = Math.Max(last ?? long.MinValue, BinaryPrimitives.ReadInt64LittleEndian(entry[16..]));
            }
        }

        return last;
    }

    /// <summary>Takes over what another header remembers of releases.</summary>
    internal void CopyReleases(IndexHeader other)
    {
        other._bytes.AsSpan(RingOffset).CopyTo(_bytes.AsSpan(RingOffset));
        Releases = Math.Max(0, other.Releases);
    }

    /// <summary>A name's hash, as boot and host are kept.</summary>
    internal static UInt128 Fingerprint(string name) => new(
        SlotTable.Hash(Encoding.UTF8.GetBytes(name)), SlotTable.Hash(Encoding.UTF8.GetBytes(name + "/")));

    private long Get(int offset) => BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(offset));

    private void Set(int offset, long value) => BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(offset), value);
}
