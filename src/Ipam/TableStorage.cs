using CniPlugins.Linux;

namespace CniPlugins.Ipam;

/// <summary>The bytes of a <see cref="LeaseTable"/>: in memory while it is built or cannot be kept, in a file otherwise.</summary>
internal sealed class TableStorage
{
    private readonly byte[]? _memory;
    private readonly StateFile? _file;

    internal TableStorage(byte[] memory) => _memory = memory;

    internal TableStorage(StateFile file) => _file = file;

    /// <summary>All bytes, when they are in memory.</summary>
    internal ReadOnlySpan<byte> Memory => _memory;

    /// <summary>Reads; what lies beyond the end is zero.</summary>
    internal void Read(long offset, Span<byte> buffer)
    {
        if (_memory is not null)
        {
            _memory.AsSpan((int)offset, buffer.Length).CopyTo(buffer);
            return;
        }

        int count = _file!.Read(offset, buffer);
        buffer[count..].Clear();
    }

    internal void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (_memory is not null)
        {
            bytes.CopyTo(_memory.AsSpan((int)offset));
            return;
        }

        _file!.Write(offset, bytes);
    }
}
