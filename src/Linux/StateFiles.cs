using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>Ways to write a state file that leave it valid whenever the process dies.</summary>
public static class StateFiles
{
    private const uint FileMode = 0x180 /* 0600 */;
    private const int NameLimit = 255;

    /// <summary>
    /// Makes a file that has its content from the moment it has its name: written unnamed (O_TMPFILE), then linked. Where
    /// the file system knows no unnamed files it is created and then written, and an early death leaves it empty. False, and nothing
    /// changed, when the name is taken.
    /// </summary>
    /// <exception cref="LinuxException">It cannot be written; nothing is left of it.</exception>
    public static bool TryCreate(StateDirectory directory, string name, ReadOnlySpan<byte> content)
    {
        using SafeFileDescriptor? unnamed = TryOpenUnnamed(directory);
        if (unnamed is null)
        {
            return TryCreateNamed(directory, name, content);
        }

        unnamed.Write(content, directory.Describe(name));
        Errno errno = Link(unnamed, directory, name);
        return errno switch
        {
            Errno.None => true,
            Errno.EEXIST => false,
            _ => TryCreateNamed(directory, name, content),   // no /proc, or no links on this file system
        };
    }

    /// <summary>The content of a file, links followed; null when it is no regular file, or larger than the limit.</summary>
    /// <exception cref="LinuxException">It cannot be opened or read.</exception>
    public static byte[]? FindContent(string path, int limit)
    {
        // O_NONBLOCK: the path comes from a configuration and may name a FIFO.
        using SafeFileDescriptor file = SafeFileDescriptor.Open(path, O_RDONLY | O_NONBLOCK);
        if (StateDirectory.StatusOf(file).Kind != FileKind.Regular)
        {
            return null;
        }

        byte[] buffer = new byte[limit + 1];
        int length = file.ReadFully(buffer, path);
        return length > limit ? null : buffer[..length];
    }

    /// <summary>
    /// Overwrites a file in place, or makes it. Meant for hints: an early death may leave the old text, the new, or a mixture of both.
    /// Truncating first is avoided, because ext4 then starts writing to disk when the file is closed (<c>auto_da_alloc</c>).
    /// </summary>
    /// <exception cref="LinuxException">It cannot be written, or what bears the name is no regular file.</exception>
    public static unsafe void Overwrite(StateDirectory directory, string name, ReadOnlySpan<byte> content)
    {
        string path = directory.Describe(name);
        using SafeFileDescriptor file = directory.TryOpen(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FileMode, out Errno errno)
            ?? throw new LinuxException("open", path, errno);
        FileStatus status = StateDirectory.StatusOf(file);
        if (status.Kind != FileKind.Regular)
        {
            throw new LinuxException("open", path, Errno.EINVAL);
        }

        file.Write(content, path);
        if (status.Size > content.Length && ftruncate(file.Value, content.Length) != 0)
        {
            throw new LinuxException("ftruncate", path, LinuxException.Last);
        }
    }

    private static unsafe SafeFileDescriptor? TryOpenUnnamed(StateDirectory directory)
    {
        byte* here = stackalloc byte[2] { (byte)'.', 0 };
        int descriptor = openat(directory.Descriptor.Value, here, O_TMPFILE | O_WRONLY | O_CLOEXEC, (Tmds.Linux.mode_t)FileMode);

        // Whatever the reason (EOPNOTSUPP, EISDIR on kernels before 3.11, EINVAL), creating by name will say more.
        return descriptor < 0 ? null : new SafeFileDescriptor(descriptor);
    }

    private static unsafe Errno Link(SafeFileDescriptor unnamed, StateDirectory directory, string name)
    {
        fixed (byte* target = StateDirectory.Encode(name, stackalloc byte[NameLimit + 1]))
        {
            byte none = 0;
            if (linkat(unnamed.Value, &none, directory.Descriptor.Value, target, AT_EMPTY_PATH) == 0)
            {
                return Errno.None;
            }

            // Without CAP_DAC_READ_SEARCH AT_EMPTY_PATH says ENOENT (open(2), O_TMPFILE): the way through /proc is for everybody.
            Errno errno = LinuxException.Last;
            if (errno != Errno.ENOENT)
            {
                return errno;
            }

            Span<byte> source = System.Text.Encoding.ASCII.GetBytes($"/proc/self/fd/{unnamed.Value}\0");
            fixed (byte* from = source)
            {
                return linkat(AT_FDCWD, from, directory.Descriptor.Value, target, AT_SYMLINK_FOLLOW) == 0
                    ? Errno.None
                    : LinuxException.Last;
            }
        }
    }

    private static bool TryCreateNamed(StateDirectory directory, string name, ReadOnlySpan<byte> content)
    {
        SafeFileDescriptor? file = directory.TryOpen(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FileMode, out Errno errno);
        if (file is null)
        {
            return errno == Errno.EEXIST ? false : throw new LinuxException("create", directory.Describe(name), errno);
        }

        using (file)
        {
            try
            {
                file.Write(content, directory.Describe(name));
                return true;
            }
            catch (LinuxException)
            {
                directory.TryDelete(name);
                throw;
            }
        }
    }
}
