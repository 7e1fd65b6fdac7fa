namespace CniPlugins.UnitTests.Cni;

/// <summary>Fails on every use.</summary>
internal sealed class UnreadableStream : MemoryStream
{
    public override int Read(Span<byte> buffer) => throw new IOException("bad file descriptor");

    public override int Read(byte[] buffer, int offset, int count) => throw new IOException("bad file descriptor");

    public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("broken pipe");

    public override void Write(byte[] buffer, int offset, int count) => throw new IOException("broken pipe");
}

/// <summary>Gives spaces for ever, and counts them.</summary>
internal sealed class EndlessStream : MemoryStream
{
    public long Given { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, 65536);
        buffer[..count].Fill((byte)' ');
        Given += count;
        return count;
    }
}
