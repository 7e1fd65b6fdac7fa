namespace CniPlugins.Linux;

/// <summary>
/// A stream over a descriptor that is not owned, by plain read(2) and write(2). A FileStream over a standard descriptor writes at an
/// offset of its own, and a redirected standard output is then overwritten by the next writer.
/// </summary>
public sealed class DescriptorStream : Stream
{
    private readonly SafeFileDescriptor _descriptor;
    private readonly string _name;
    private readonly int _readTimeoutMilliseconds;

    internal DescriptorStream(int descriptor, string name, TimeSpan? readTimeout = null)
    {
        _descriptor = SafeFileDescriptor.Borrow(descriptor);
        _name = name;
        _readTimeoutMilliseconds = readTimeout is { } limit ? (int)limit.TotalMilliseconds : -1;
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is kept back.
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (_readTimeoutMilliseconds >= 0 && !Polling.WaitReadable(_descriptor.Value, _readTimeoutMilliseconds))
        {
            throw new LinuxException("read", _name, Errno.ETIMEDOUT);
        }

        return _descriptor.Read(buffer, _name);
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer) => _descriptor.Write(buffer, _name);

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
