using System.Text;
using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>
/// An open directory of state files. Every name is one path component below it; symbolic links are never followed and
/// nothing but a regular file is ever opened for reading, so that what somebody planted there can neither lead out nor block.
/// </summary>
public sealed class StateDirectory : IDisposable
{
    private const int NameLimit = 255;   // NAME_MAX, include/uapi/linux/limits.h
    private const int DirectoryFlags = 0x10000 /* O_DIRECTORY */;

    private readonly SafeFileDescriptor _descriptor;

    private StateDirectory(SafeFileDescriptor descriptor, string path)
    {
        _descriptor = descriptor;
        Path = path;
    }

    /// <summary>The path it was opened by.</summary>
    public string Path { get; }

    internal SafeFileDescriptor Descriptor => _descriptor;

    /// <summary>Opens a directory, which is made with its parents (mode 0755 less the umask) if it is not there. Equivalent to <c>mkdir -p</c>.</summary>
    /// <exception cref="LinuxException">It cannot be made or opened.</exception>
    public static StateDirectory Ensure(string path)
    {
        SafeFileDescriptor? descriptor = SafeFileDescriptor.TryOpen(path, O_RDONLY | DirectoryFlags, 0, out Errno errno);
        if (descriptor is null && errno == Errno.ENOENT)
        {
            Directory.CreateDirectory(path, (UnixFileMode)0x1ED /* 0755 */);
            descriptor = SafeFileDescriptor.TryOpen(path, O_RDONLY | DirectoryFlags, 0, out errno);
        }

        return new StateDirectory(descriptor ?? throw new LinuxException("open", path, errno), path);
    }

    /// <summary>Opens a directory; null when there is none.</summary>
    /// <exception cref="LinuxException">It is there and cannot be opened.</exception>
    public static StateDirectory? Find(string path)
    {
        SafeFileDescriptor? descriptor = SafeFileDescriptor.TryOpen(path, O_RDONLY | DirectoryFlags, 0, out Errno errno);
        return descriptor is not null ? new StateDirectory(descriptor, path)
            : errno == Errno.ENOENT ? null
            : throw new LinuxException("open", path, errno);
    }

    /// <summary>Opens a directory below this one, which is made if it is not there.</summary>
    /// <exception cref="LinuxException">It cannot be made, or the name is a symbolic link or a file.</exception>
    public unsafe StateDirectory EnsureDirectory(string name, uint mode)
    {
        SafeFileDescriptor? descriptor = TryOpen(name, O_RDONLY | O_NOFOLLOW | DirectoryFlags, 0, out Errno errno);
        if (descriptor is null && errno == Errno.ENOENT)
        {
            fixed (byte* pointer = Encode(name, stackalloc byte[NameLimit + 1]))
            {
                if (mkdirat(_descriptor.Value, pointer, (Tmds.Linux.mode_t)mode) != 0 && LinuxException.Last != Errno.EEXIST)
                {
                    throw new LinuxException("mkdir", Describe(name), LinuxException.Last);
                }
            }

            descriptor = TryOpen(name, O_RDONLY | O_NOFOLLOW | DirectoryFlags, 0, out errno);
        }

        return new StateDirectory(descriptor ?? throw new LinuxException("open", Describe(name), errno), Describe(name));
    }

    /// <summary>Opens a directory below this one; null when there is none.</summary>
    /// <exception cref="LinuxException">The name is a symbolic link or a file, or may not be opened.</exception>
    public StateDirectory? FindDirectory(string name)
    {
        SafeFileDescriptor? descriptor = TryOpen(name, O_RDONLY | O_NOFOLLOW | DirectoryFlags, 0, out Errno errno);
        return descriptor is not null ? new StateDirectory(descriptor, Describe(name))
            : errno == Errno.ENOENT ? null
            : throw new LinuxException("open", Describe(name), errno);
    }

    /// <summary>Waits for the exclusive lock on a file of this directory, which is made if it is not there.</summary>
    /// <exception cref="LinuxException">The file cannot be opened or locked.</exception>
    public FileLock Lock(string name) => FileLock.Exclusive(this, name);

    /// <summary>Waits for the shared lock on a file of this directory, which is made if it is not there.</summary>
    /// <exception cref="LinuxException">The file cannot be opened or locked.</exception>
    public FileLock LockShared(string name) => FileLock.Shared(this, name);

    /// <summary>The directory itself, as it is now.</summary>
    /// <exception cref="LinuxException">fstat(2) failed.</exception>
    public unsafe FileStatus GetStatus()
    {
        Tmds.Linux.stat status;
        return fstat(_descriptor.Value, &status) == 0
            ? FileStatus.Of(status)
            : throw new LinuxException("fstat", Path, LinuxException.Last);
    }

    /// <summary>A file below, itself and not what a link points to; null when there is none.</summary>
    /// <exception cref="LinuxException">It cannot be looked at.</exception>
    public unsafe FileStatus? FindStatus(string name)
    {
        Tmds.Linux.stat status;
        fixed (byte* pointer = Encode(name, stackalloc byte[NameLimit + 1]))
        {
            if (fstatat(_descriptor.Value, pointer, &status, AT_SYMLINK_NOFOLLOW) == 0)
            {
                return FileStatus.Of(status);
            }
        }

        Errno errno = LinuxException.Last;
        return errno == Errno.ENOENT ? null : throw new LinuxException("stat", Describe(name), errno);
    }

    /// <summary>
    /// Reads a regular file's beginning into the buffer and says how much was read; null when there is no such file, or what bears
    /// the name is not a regular file or may not be read.
    /// </summary>
    public int? FindContent(string name, Span<byte> buffer, out FileStatus status)
    {
        // O_NONBLOCK: a FIFO must not hold the process up before fstat says that it is one.
        using SafeFileDescriptor? file = TryOpen(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, out _);
        status = file is null ? default : StatusOf(file);
        if (file is null || status.Kind != FileKind.Regular)
        {
            return null;
        }

        try
        {
            // No more than its size is asked for, so that one read does.
            return file.ReadFully(buffer[..(int)Math.Min(buffer.Length, status.Size)], name);
        }
        catch (LinuxException e)
        {
            // The path is put together only when it is needed: sixty thousand files are read in a row.
            throw new LinuxException(e.Call, Describe(name), e.Errno);
        }
    }

    /// <summary>Deletes a file (never a directory). False when there is none.</summary>
    /// <exception cref="LinuxException">It is a directory, or may not be deleted.</exception>
    public unsafe bool TryDelete(string name)
    {
        fixed (byte* pointer = Encode(name, stackalloc byte[NameLimit + 1]))
        {
            if (unlinkat(_descriptor.Value, pointer, 0) == 0)
            {
                return true;
            }
        }

        Errno errno = LinuxException.Last;
        return errno == Errno.ENOENT ? false : throw new LinuxException("unlink", Describe(name), errno);
    }

    /// <summary>Deletes an empty directory. False when there is none, or something is in it.</summary>
    /// <exception cref="LinuxException">It may not be deleted.</exception>
    public unsafe bool TryDeleteDirectory(string name)
    {
        fixed (byte* pointer = Encode(name, stackalloc byte[NameLimit + 1]))
        {
            if (unlinkat(_descriptor.Value, pointer, AT_REMOVEDIR) == 0)
            {
                return true;
            }
        }

        Errno errno = LinuxException.Last;
        return errno is Errno.ENOENT or Errno.ENOTEMPTY or Errno.EEXIST ? false : throw new LinuxException("rmdir", Describe(name), errno);
    }

    /// <summary>Gives a file a new name, in place of what had it.</summary>
    /// <exception cref="LinuxException">It cannot be renamed.</exception>
    public unsafe void Rename(string from, string to)
    {
        fixed (byte* source = Encode(from, stackalloc byte[NameLimit + 1]), target = Encode(to, stackalloc byte[NameLimit + 1]))
        {
            if (Libc.renameat(_descriptor.Value, source, _descriptor.Value, target) != 0)
            {
                throw new LinuxException("rename", Describe(from), LinuxException.Last);
            }
        }
    }

    /// <summary>
    /// Sets the directory's time of modification, in nanoseconds since 1970. False when that is not allowed. What is read back is the
    /// truth: a file system may keep fewer digits.
    /// </summary>
    public unsafe bool TrySetModified(long nanoseconds)
    {
        Tmds.Linux.timespec* times = stackalloc Tmds.Linux.timespec[2];
        times[0].tv_nsec = (Tmds.Linux.long_t)(long)UTIME_OMIT;
        times[1].tv_sec = (Tmds.Linux.time_t)(nanoseconds / 1_000_000_000);
        times[1].tv_nsec = (Tmds.Linux.long_t)(nanoseconds % 1_000_000_000);
        return futimens(_descriptor.Value, times) == 0;
    }

    /// <summary>Whether the directory lies on a file system that one kernel alone uses. False also for those not known here.</summary>
    public unsafe bool IsLocal
    {
        get
        {
            long* buffer = stackalloc long[32];   // struct statfs is 120 bytes on 64-bit machines
            return Libc.fstatfs(_descriptor.Value, buffer) == 0 && (uint)buffer[0] is
                0xEF53 or        // ext2, ext3, ext4; these and the next from include/uapi/linux/magic.h
                0x58465342 or    // xfs
                0x9123683E or    // btrfs
                0x01021994 or    // tmpfs
                0x858458F6 or    // ramfs
                0x794C7630 or    // overlayfs
                0xF2F52010 or    // f2fs
                0xCA451A4E or    // bcachefs
                0x2FC12FC1;      // zfs
        }
    }

    /// <summary>All entries but <c>.</c> and <c>..</c>, as the kernel gives them.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public DirectoryReader List() => new(this);

    /// <summary>The names of all entries, read before the caller changes any.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public List<string> ListNames()
    {
        List<string> names = [];
        DirectoryReader reader = List();
        while (reader.Read())
        {
            names.Add(reader.Name);
        }

        return names;
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    internal string Describe(string name) => Path + "/" + name;

    internal unsafe SafeFileDescriptor? TryOpen(string name, int flags, uint mode, out Errno errno)
    {
        fixed (byte* pointer = Encode(name, stackalloc byte[NameLimit + 1]))
        {
            int descriptor;
            do
            {
                descriptor = openat(_descriptor.Value, pointer, flags | O_CLOEXEC, (Tmds.Linux.mode_t)mode);
                errno = descriptor < 0 ? LinuxException.Last : Errno.None;
            }
            while (errno == Errno.EINTR);

            return descriptor < 0 ? null : new SafeFileDescriptor(descriptor);
        }
    }

    internal static unsafe FileStatus StatusOf(SafeFileDescriptor file)
    {
        Tmds.Linux.stat status;
        return fstat(file.Value, &status) == 0
            ? FileStatus.Of(status)
            : throw new LinuxException("fstat", null, LinuxException.Last);
    }

    /// <summary>The name in UTF-8 with its NUL. A name that is a path would leave the directory: that is a fault of the caller.</summary>
    internal static Span<byte> Encode(string name, Span<byte> buffer)
    {
        if (name.Length == 0 || name is "." or ".." || name.AsSpan().ContainsAny('/', '\0')
            || Encoding.UTF8.GetByteCount(name) >= buffer.Length)
        {
            throw new ArgumentException($"\"{name}\" is not the name of a file", nameof(name));
        }

        int length = Encoding.UTF8.GetBytes(name, buffer);
        buffer[length] = 0;
        return buffer[..(length + 1)];
    }
}
