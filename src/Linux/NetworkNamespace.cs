using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>Which namespace a handle refers to: the nsfs device and inode numbers (namespaces(7)).</summary>
public readonly record struct NamespaceIdentity(ulong Device, ulong Inode);

/// <summary>An open network namespace.</summary>
public sealed class NetworkNamespace : IDisposable
{
    private const long NsfsMagic = 0x6e736673;   // NSFS_MAGIC, include/uapi/linux/magic.h
    private const ulong NsGetNsType = 0xb703;    // NS_GET_NSTYPE, include/uapi/linux/nsfs.h
    private const int CloneNewNet = 0x40000000;   // CLONE_NEWNET
    private const long ProcMagic = 0x9fa0;       // PROC_SUPER_MAGIC: a bind mount made by kernels before 3.19

    private readonly SafeFileDescriptor _descriptor;

    private NetworkNamespace(SafeFileDescriptor descriptor, string path)
    {
        _descriptor = descriptor;
        Path = path;
    }

    /// <summary>The path it was opened by.</summary>
    public string Path { get; }

    /// <summary>The descriptor, as IFLA_NET_NS_FD wants it.</summary>
    public int Descriptor => _descriptor.Value;

    /// <summary>Opens the calling thread's own namespace.</summary>
    /// <exception cref="LinuxException">/proc is not there.</exception>
    public static NetworkNamespace OpenCurrent() => Open("/proc/thread-self/ns/net");

    /// <summary>Opens a namespace by path.</summary>
    /// <exception cref="LinuxException">
    /// The file cannot be opened (ENOENT: it is gone), or is no namespace (EINVAL).
    /// </exception>
    public static NetworkNamespace Open(string path)
    {
        // O_NONBLOCK: a hostile path may name a FIFO, which must not hold the process up.
        SafeFileDescriptor descriptor = SafeFileDescriptor.Open(path, O_RDONLY | O_NONBLOCK);
        if (!IsNamespace(descriptor))
        {
            descriptor.Dispose();
            throw new LinuxException("open network namespace", path, Errno.EINVAL);
        }

        return new NetworkNamespace(descriptor, path);
    }

    /// <summary>Opens a namespace by path; null when there is none at that path.</summary>
    public static NetworkNamespace? Find(string path)
    {
        try
        {
            return Open(path);
        }
        catch (LinuxException)
        {
            // Whatever the reason (no file, no permission, not a namespace), there is no namespace here to work in.
            return null;
        }
    }

    /// <summary>Device and inode; equal for two handles of one namespace.</summary>
    public unsafe NamespaceIdentity Identity
    {
        get
        {
            Tmds.Linux.stat buffer;
            if (fstat(Descriptor, &buffer) != 0)
            {
                throw new LinuxException("fstat", Path, LinuxException.Last);
            }

            return new NamespaceIdentity((ulong)buffer.st_dev, (ulong)buffer.st_ino);
        }
    }

    /// <summary>
    /// The number that BPF programs know the calling thread's namespace by (SO_NETNS_COOKIE, Linux 5.14); no other gets it as long as the machine is up.
    /// Null: this kernel does not tell.
    /// </summary>
    public static unsafe ulong? FindCookie()
    {
        const int SoNetnsCookie = 71;   // include/uapi/asm-generic/socket.h
        using KernelSocket socket = KernelSocket.Open(AF_UNIX, SOCK_DGRAM, 0);
        return socket.TryGetOption(SOL_SOCKET, SoNetnsCookie, out ulong cookie) ? cookie : null;
    }

    /// <summary>Whether the calling thread is in this namespace.</summary>
    public bool IsCurrent
    {
        get
        {
            using NetworkNamespace current = OpenCurrent();
            return current.Identity == Identity;
        }
    }

    /// <summary>
    /// Runs the action with the calling thread in this namespace, and goes back. Nothing in it may start a thread or touch the
    /// pool: threads inherit the namespace they were born in. A thread that cannot go back ends the process.
    /// </summary>
    /// <exception cref="LinuxException">setns(2) refused.</exception>
    public T Run<T>(Func<T> action)
    {
        using NetworkNamespace home = OpenCurrent();
        Enter();
        try
        {
            return action();
        }
        finally
        {
            if (setns(home.Descriptor, CLONE_NEWNET) != 0)
            {
                Environment.FailFast("cannot return to the network namespace this thread came from");
            }
        }
    }

    /// <summary>As <see cref="Run{T}"/>, for an action without a result.</summary>
    /// <exception cref="LinuxException">setns(2) refused.</exception>
    public void Run(Action action) => Run(() =>
    {
        action();
        return true;
    });

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private void Enter()
    {
        if (setns(Descriptor, CLONE_NEWNET) != 0)
        {
            throw new LinuxException("setns", Path, LinuxException.Last);
        }
    }

    private static unsafe bool IsNamespace(SafeFileDescriptor descriptor)
    {
        long* buffer = stackalloc long[32];   // struct statfs is 120 bytes on 64-bit machines
        if (Libc.fstatfs(descriptor.Value, buffer) != 0)
        {
            return false;
        }

        return buffer[0] is NsfsMagic or ProcMagic && Libc.ioctl(descriptor.Value, NsGetNsType, 0) is CloneNewNet or < 0;   // before 4.11 nobody can tell
    }
}
