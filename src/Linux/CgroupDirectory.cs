using System.Text;
using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>An open directory of cgroup2: a place where programs can be attached for all processes in it and below.</summary>
public sealed class CgroupDirectory : IDisposable
{
    private const long Cgroup2Magic = 0x63677270;   // CGROUP2_SUPER_MAGIC, include/uapi/linux/magic.h

    private CgroupDirectory(SafeFileDescriptor descriptor) => Descriptor = descriptor;

    /// <summary>For bpf(2).</summary>
    public SafeFileDescriptor Descriptor { get; }

    /// <summary>Opens a directory by its path.</summary>
    /// <exception cref="LinuxException">It is not there (ENOENT), or no directory of cgroup2 (EINVAL).</exception>
    public static CgroupDirectory Open(string path) => Find(path, out Errno errno) ?? throw new LinuxException("open cgroup2 directory", path, errno);

    /// <summary>
    /// Opens the root of the hierarchy, as far up as this process's cgroup namespace shows it. Where it is not mounted at one of the two usual places, or
    /// hidden by another /sys (as <c>ip netns exec</c> has one), it is mounted for this process's descriptor alone.
    /// </summary>
    /// <exception cref="LinuxException">ENODEV: the kernel has no cgroup2; EPERM: it may not be mounted.</exception>
    public static CgroupDirectory OpenRoot() =>
        Find("/sys/fs/cgroup", out _) ?? Find("/sys/fs/cgroup/unified", out _) ?? new CgroupDirectory(Mount());

    /// <summary>Waits until no other process holds it.</summary>
    /// <exception cref="LinuxException">It cannot be locked.</exception>
    public FileLock Lock()
    {
        // Opened once more: a lock belongs to what open(2) returned.
        SafeFileDescriptor own = TryOpenAt(Descriptor.Value, ".", out Errno errno) ?? throw new LinuxException("open", "cgroup2 directory", errno);
        return FileLock.Hold(own, "cgroup2 directory");
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();

    private static unsafe CgroupDirectory? Find(string path, out Errno errno)
    {
        SafeFileDescriptor? descriptor = SafeFileDescriptor.TryOpen(path, O_RDONLY | O_DIRECTORY, 0, out errno);
        if (descriptor is null)
        {
            return null;
        }

        long* statfs = stackalloc long[32];   // struct statfs is 120 bytes
        if (Libc.fstatfs(descriptor.Value, statfs) == 0 && statfs[0] == Cgroup2Magic)
        {
            return new CgroupDirectory(descriptor);
        }

        errno = Errno.EINVAL;
        descriptor.Dispose();
        return null;
    }

    /// <summary>fsopen(2), fsconfig(2), fsmount(2): the mount is gone with its descriptor.</summary>
    private static unsafe SafeFileDescriptor Mount()
    {
        const long FsopenCloexec = 1;
        const long FsconfigCmdCreate = 6;
        const long FsmountCloexec = 1;
        fixed (byte* type = "cgroup2\0"u8)
        {
            using SafeFileDescriptor context = Own(Libc.syscall(Libc.SYS_fsopen, (nint)type, FsopenCloexec), "fsopen");
            if (Libc.syscall(Libc.SYS_fsconfig, context.Value, FsconfigCmdCreate, 0, 0, 0) != 0)
            {
                throw new LinuxException("fsconfig", "cgroup2", LinuxException.Last);
            }

            return Own(Libc.syscall(Libc.SYS_fsmount, context.Value, FsmountCloexec, 0), "fsmount");
        }
    }

    private static SafeFileDescriptor Own(long descriptor, string call) =>
        descriptor >= 0 ? new SafeFileDescriptor((int)descriptor) : throw new LinuxException(call, "cgroup2", LinuxException.Last);

    private static unsafe SafeFileDescriptor? TryOpenAt(int directory, string name, out Errno errno)
    {
        fixed (byte* pointer = Encoding.UTF8.GetBytes(name + '\0'))
        {
            int descriptor = openat(directory, pointer, O_RDONLY | O_DIRECTORY | O_CLOEXEC, default);
            errno = descriptor < 0 ? LinuxException.Last : Errno.None;
            return descriptor < 0 ? null : new SafeFileDescriptor(descriptor);
        }
    }
}
