using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>A pipe to or from a child. Both ends are close-on-exec; only the own end does not block.</summary>
internal sealed class ChildPipe : IDisposable
{
    private readonly SafeFileDescriptor _child;
    private readonly SafeFileDescriptor _own;

    private ChildPipe(SafeFileDescriptor child, SafeFileDescriptor own)
    {
        _child = child;
        _own = own;
    }

    internal int ChildEnd => _child.Value;

    /// <summary>The own end for poll(2); -1 when it is closed, which poll leaves out.</summary>
    internal int OwnEnd => _own.IsClosed ? -1 : _own.Value;

    internal static ChildPipe ToChild()
    {
        (SafeFileDescriptor read, SafeFileDescriptor write) = Open();
        return new ChildPipe(read, NonBlocking(write));
    }

    internal static ChildPipe FromChild()
    {
        (SafeFileDescriptor read, SafeFileDescriptor write) = Open();
        return new ChildPipe(write, NonBlocking(read));
    }

    internal void CloseChildEnd() => _child.Dispose();

    internal void CloseOwnEnd() => _own.Dispose();

    /// <summary>Reads what is there; 0 at the end, -1 when there is nothing yet.</summary>
    internal unsafe int Read(Span<byte> buffer)
    {
        fixed (byte* pointer = buffer)
        {
            nint count = (nint)read(_own.Value, pointer, (Tmds.Linux.size_t)buffer.Length);
            return count >= 0 ? (int)count : -Retry("read");
        }
    }

    /// <summary>Writes what fits; 0 when nothing does now, -1 when the child does not read any more.</summary>
    internal unsafe int Write(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes)
        {
            nint count = (nint)write(_own.Value, pointer, (Tmds.Linux.size_t)bytes.Length);
            return count >= 0 ? (int)count : LinuxException.Last == Errno.EPIPE ? -1 : Retry("write") - 1;
        }
    }

    public void Dispose()
    {
        _child.Dispose();
        _own.Dispose();
    }

    // 1 when the call may be made again.
    private static int Retry(string call)
    {
        Errno errno = LinuxException.Last;
        return errno is Errno.EAGAIN or Errno.EINTR ? 1 : throw new LinuxException(call, "a pipe to a child", errno);
    }

    private static unsafe (SafeFileDescriptor Read, SafeFileDescriptor Write) Open()
    {
        int* ends = stackalloc int[2];
        return pipe2(ends, O_CLOEXEC) == 0
            ? (new SafeFileDescriptor(ends[0]), new SafeFileDescriptor(ends[1]))
            : throw new LinuxException("pipe2", null, LinuxException.Last);
    }

    private static SafeFileDescriptor NonBlocking(SafeFileDescriptor descriptor)
    {
        _ = fcntl(descriptor.Value, F_SETFL, O_NONBLOCK);
        return descriptor;
    }
}
