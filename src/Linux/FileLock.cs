using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>
/// A held flock(2). The kernel drops it when the process ends, however it ends. It is the lock the reference <c>host-local</c>
/// takes, so both may work in one directory. (.NET's own file streams take an flock as well: never open a lock file with them.)
/// </summary>
public sealed class FileLock : IDisposable
{
    private const uint Mode = 0x1E8;   // 0750, as the reference makes it

    private readonly SafeFileDescriptor _descriptor;

    private FileLock(SafeFileDescriptor descriptor) => _descriptor = descriptor;

    /// <summary>Waits for the exclusive lock on a file, which is made (mode 0750 less the umask) if it is not there.</summary>
    /// <exception cref="LinuxException">The file cannot be opened or locked.</exception>
    public static FileLock Exclusive(string path) => Acquire(path, Libc.LOCK_EX);

    /// <summary>Waits for the shared lock on a file, which is made if it is not there.</summary>
    /// <exception cref="LinuxException">The file cannot be opened or locked.</exception>
    public static FileLock Shared(string path) => Acquire(path, Libc.LOCK_SH);

    internal static FileLock Exclusive(StateDirectory directory, string name) => Acquire(directory, name, Libc.LOCK_EX);

    internal static FileLock Shared(StateDirectory directory, string name) => Acquire(directory, name, Libc.LOCK_SH);

    /// <summary>Waits for the exclusive lock on what was opened, which it takes over.</summary>
    internal static FileLock Hold(SafeFileDescriptor descriptor, string subject) => Acquire(descriptor, subject, Libc.LOCK_EX);

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    // O_NOFOLLOW: a state directory is not trusted to hold only what we put there.
    private static int OpenFlags => O_RDWR | O_CREAT | O_NOFOLLOW;

    private static FileLock Acquire(string path, int operation)
    {
        SafeFileDescriptor descriptor = SafeFileDescriptor.Open(path, OpenFlags, Mode);
        return Acquire(descriptor, path, operation);
    }

    private static FileLock Acquire(StateDirectory directory, string name, int operation)
    {
        SafeFileDescriptor descriptor = directory.TryOpen(name, OpenFlags, Mode, out Errno errno)
            ?? throw new LinuxException("open", directory.Describe(name), errno);
        return Acquire(descriptor, directory.Describe(name), operation);
    }

    private static FileLock Acquire(SafeFileDescriptor descriptor, string path, int operation)
    {
        while (Libc.flock(descriptor.Value, operation) != 0)
        {
            Errno errno = LinuxException.Last;
            if (errno != Errno.EINTR)
            {
                descriptor.Dispose();
                throw new LinuxException("flock", path, errno);
            }
        }

        return new FileLock(descriptor);
    }
}
