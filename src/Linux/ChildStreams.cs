using System.Buffers;

namespace CniPlugins.Linux;

/// <summary>Moves bytes to and from a child with one poll(2) over all pipes, so that neither side waits for the other for ever.</summary>
internal sealed class ChildStreams
{
    private readonly ChildPipe _stdin;
    private readonly ChildPipe _stdout;
    private readonly ChildPipe _stderr;
    private readonly int _outputLimit;
    private readonly int _errorLimit;
    private readonly ErrorSink _errorSink;
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly ArrayBufferWriter<byte> _error = new();
    private readonly byte[] _buffer = new byte[16 * 1024];
    private ReadOnlyMemory<byte> _input;

    internal ChildStreams(
        ChildPipe stdin, ChildPipe stdout, ChildPipe stderr, ReadOnlyMemory<byte> input, int outputLimit, int errorLimit,
        ErrorSink errorSink)
    {
        _stdin = stdin;
        _stdout = stdout;
        _stderr = stderr;
        _input = input;
        _outputLimit = outputLimit;
        _errorLimit = errorLimit;
        _errorSink = errorSink;
        if (input.IsEmpty)
        {
            _stdin.CloseOwnEnd();
        }
    }

    internal ReadOnlyMemory<byte> Output => _output.WrittenMemory;

    internal ReadOnlySpan<byte> ErrorHead => _error.WrittenSpan;

    /// <summary>Works until the child has ended or closed its streams. False when it wrote more to standard output than allowed.</summary>
    internal bool Pump(SafeFileDescriptor? exit)
    {
        Span<Polling.Entry> entries = stackalloc Polling.Entry[4];
        while (_stdin.OwnEnd >= 0 || _stdout.OwnEnd >= 0 || _stderr.OwnEnd >= 0)
        {
            entries[0] = new Polling.Entry { Descriptor = _stdin.OwnEnd, Events = Polling.POLLOUT };
            entries[1] = new Polling.Entry { Descriptor = _stdout.OwnEnd, Events = Polling.POLLIN };
            entries[2] = new Polling.Entry { Descriptor = _stderr.OwnEnd, Events = Polling.POLLIN };
            entries[3] = new Polling.Entry { Descriptor = exit?.Value ?? -1, Events = Polling.POLLIN };
            Polling.Wait(entries, -1);

            // Looked at first, used last: what the child wrote before it ended is read in full below.
            bool ended = entries[3].Returned != 0;
            if (entries[0].Returned != 0)
            {
                Feed();
            }

            if (!Read(_stdout, entries[1].Returned, ended, TakeOutput) || !Read(_stderr, entries[2].Returned, ended, TakeError))
            {
                return false;
            }

            if (ended)
            {
                break;
            }
        }

        return true;
    }

    private void Feed()
    {
        int written = _stdin.Write(_input.Span);
        if (written > 0)
        {
            _input = _input[written..];
        }

        // A child that does not read its input is free to do so.
        if (written < 0 || _input.IsEmpty)
        {
            _stdin.CloseOwnEnd();
        }
    }

    private bool Read(ChildPipe pipe, short returned, bool all, Func<int, bool> take)
    {
        while (pipe.OwnEnd >= 0 && (returned != 0 || all))
        {
            int count = pipe.Read(_buffer);
            if (count == 0)
            {
                pipe.CloseOwnEnd();
            }

            if (count > 0 && !take(count))
            {
                return false;
            }

            if (count <= 0 || !all)
            {
                break;
            }
        }

        return true;
    }

    private bool TakeOutput(int count)
    {
        _output.Write(_buffer.AsSpan(0, count));
        return _output.WrittenCount <= _outputLimit;
    }

    private bool TakeError(int count)
    {
        _errorSink(_buffer.AsSpan(0, count));
        _error.Write(_buffer.AsSpan(0, Math.Min(count, _errorLimit - _error.WrittenCount)));
        return true;
    }
}
