using System.Runtime.InteropServices;
using System.Text;
using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>An owned file descriptor; always opened with O_CLOEXEC.</summary>
public sealed class SafeFileDescriptor : SafeHandle
{
    internal SafeFileDescriptor(int descriptor)
        : base(-1, ownsHandle: true) => SetHandle(descriptor);

    private SafeFileDescriptor(int descriptor, bool owns)
        : base(-1, owns) => SetHandle(descriptor);

    /// <inheritdoc/>
    public override bool IsInvalid => handle < 0;

    /// <summary>The number, for system calls while this object is alive.</summary>
    public int Value => (int)handle;

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => close((int)handle) == 0;

    /// <summary>A descriptor that is not closed with this object, such as a standard stream's.</summary>
    internal static SafeFileDescriptor Borrow(int descriptor) => new(descriptor, owns: false);

    /// <summary>open(2) with O_CLOEXEC added. Throws <see cref="LinuxException"/>.</summary>
    internal static SafeFileDescriptor Open(string path, int flags, uint mode = 0) =>
        TryOpen(path, flags, mode, out Errno errno) ?? throw new LinuxException("open", path, errno);

    /// <summary>open(2) with O_CLOEXEC added; null and the reason when it fails.</summary>
    internal static unsafe SafeFileDescriptor? TryOpen(string path, int flags, uint mode, out Errno errno)
    {
        byte[] name = Encoding.UTF8.GetBytes(path + '\0');
        fixed (byte* pointer = name)
        {
            int descriptor;
            do
            {
                descriptor = open(pointer, flags | O_CLOEXEC, (Tmds.Linux.mode_t)mode);
                errno = descriptor < 0 ? LinuxException.Last : Errno.None;
            }
            while (errno == Errno.EINTR);

            return descriptor < 0 ? null : new SafeFileDescriptor(descriptor);
        }
    }

    /// <summary>write(2) until all is written. Throws <see cref="LinuxException"/>.</summary>
    internal unsafe void Write(ReadOnlySpan<byte> bytes, string subject)
    {
        while (!bytes.IsEmpty)
        {
            fixed (byte* pointer = bytes)
            {
                nint written = (nint)write(Value, pointer, (Tmds.Linux.size_t)bytes.Length);
                if (written < 0)
                {
                    Errno errno = LinuxException.Last;
                    if (errno == Errno.EINTR)
                    {
                        continue;
                    }

                    throw new LinuxException("write", subject, errno);
                }

                bytes = bytes[(int)written..];
            }
        }
    }

    /// <summary>read(2) into the buffer once; 0 at the end. Throws <see cref="LinuxException"/>.</summary>
    internal unsafe int Read(Span<byte> buffer, string subject)
    {
        fixed (byte* pointer = buffer)
        {
            while (true)
            {
                nint count = (nint)read(Value, pointer, (Tmds.Linux.size_t)buffer.Length);
                if (count >= 0)
                {
                    return (int)count;
                }

                Errno errno = LinuxException.Last;
                if (errno != Errno.EINTR)
                {
                    throw new LinuxException("read", subject, errno);
                }
            }
        }
    }

    /// <summary>read(2) until the buffer is full or the file ends; says how much. Throws <see cref="LinuxException"/>.</summary>
    internal int ReadFully(Span<byte> buffer, string subject)
    {
        int length = 0;
        while (length < buffer.Length)
        {
            int count = Read(buffer[length..], subject);
            if (count == 0)
            {
                break;
            }

            length += count;
        }

        return length;
    }
}
