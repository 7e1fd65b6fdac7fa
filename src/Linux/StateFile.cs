using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>An open state file that is read and written at offsets (pread(2), pwrite(2)); never mapped, so that a file cut short is an error and no signal.</summary>
public sealed class StateFile : IDisposable
{
    private const uint FileMode = 0x180 /* 0600 */;

    /// <summary>Begins the names of files that are not in their place yet; no name of a file that is may begin so.</summary>
    public const string AsidePrefix = ".new.";

    private readonly SafeFileDescriptor _descriptor;
    private readonly string _path;

    private StateFile(SafeFileDescriptor descriptor, string path)
    {
        _descriptor = descriptor;
        _path = path;
    }

    /// <summary>Opens a regular file for reading and writing; null when there is none that may be.</summary>
    public static StateFile? Find(StateDirectory directory, string name)
    {
        SafeFileDescriptor? descriptor = directory.TryOpen(name, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0, out _);
        if (descriptor is null)
        {
            return null;
        }

        if (StateDirectory.StatusOf(descriptor).Kind != FileKind.Regular)
        {
            descriptor.Dispose();
            return null;
        }

        return new StateFile(descriptor, directory.Describe(name));
    }

    /// <summary>
    /// Puts a new file in the place of what bears the name, in one step (rename(2)), and opens it. The caller holds a lock: two of them
    /// at once would write one new file.
    /// </summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">Its name.</param>
    /// <param name="content">All of it.</param>
    /// <param name="durable">Whether it must be on the disk when this returns, so that it outlives a power cut.</param>
    /// <exception cref="LinuxException">It cannot be written; what was there is there still.</exception>
    public static StateFile Replace(StateDirectory directory, string name, ReadOnlySpan<byte> content, bool durable = false)
    {
        string aside = AsidePrefix + name;
        directory.TryDelete(aside);
        SafeFileDescriptor descriptor = directory.TryOpen(aside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, FileMode, out Errno errno)
            ?? throw new LinuxException("create", directory.Describe(aside), errno);
        try
        {
            descriptor.Write(content, directory.Describe(aside));
            if (durable)
            {
                Sync(descriptor, directory.Describe(aside));
            }

            directory.Rename(aside, name);
            if (durable)
            {
                Sync(directory.Descriptor, directory.Path);
            }
        }
        catch (LinuxException)
        {
            descriptor.Dispose();
            directory.TryDelete(aside);
            throw;
        }

        return new StateFile(descriptor, directory.Describe(name));
    }

    /// <summary>Its size in bytes.</summary>
    public long Size => StateDirectory.StatusOf(_descriptor).Size;

    /// <summary>Reads until the buffer is full or the file ends; says how much.</summary>
    /// <exception cref="LinuxException">pread(2) failed.</exception>
    public unsafe int Read(long offset, Span<byte> buffer)
    {
        int length = 0;
        fixed (byte* pointer = buffer)
        {
            while (length < buffer.Length)
            {
                nint count = (nint)pread(_descriptor.Value, pointer + length, (Tmds.Linux.size_t)(buffer.Length - length), offset + length);
                if (count == 0)
                {
                    break;
                }

                length += Check("pread", count);
            }
        }

        return length;
    }

    /// <summary>Writes all of the bytes.</summary>
    /// <exception cref="LinuxException">pwrite(2) failed.</exception>
    public unsafe void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        int length = 0;
        fixed (byte* pointer = bytes)
        {
            while (length < bytes.Length)
            {
                nint count = (nint)pwrite(_descriptor.Value, pointer + length, (Tmds.Linux.size_t)(bytes.Length - length), offset + length);
                length += Check("pwrite", count);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private static void Sync(SafeFileDescriptor descriptor, string path)
    {
        if (fsync(descriptor.Value) != 0)
        {
            throw new LinuxException("fsync", path, LinuxException.Last);
        }
    }

    private int Check(string call, nint count)
    {
        if (count >= 0)
        {
            return (int)count;
        }

        Errno errno = LinuxException.Last;
        return errno == Errno.EINTR ? 0 : throw new LinuxException(call, _path, errno);
    }
}
