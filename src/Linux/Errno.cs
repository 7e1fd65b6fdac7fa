namespace CniPlugins.Linux;

/// <summary>Error numbers of the kernel (include/uapi/asm-generic/errno.h) that this software tells apart.</summary>
[KernelEnum("", "linux/errno.h")]
public enum Errno
{
    /// <summary>No error.</summary>
    [KernelName("0")]
    None = 0,

    /// <summary>Operation not permitted.</summary>
    EPERM = 1,

    /// <summary>No such file, set, chain or table.</summary>
    ENOENT = 2,

    /// <summary>No such process or route.</summary>
    ESRCH = 3,

    /// <summary>A signal came first.</summary>
    EINTR = 4,

    /// <summary>Input or output error.</summary>
    EIO = 5,

    /// <summary>No such device or address.</summary>
    ENXIO = 6,

    /// <summary>Argument list too long; a BPF map that is full.</summary>
    E2BIG = 7,

    /// <summary>Not a program for this machine.</summary>
    ENOEXEC = 8,

    /// <summary>Not an open file.</summary>
    EBADF = 9,

    /// <summary>No child process.</summary>
    ECHILD = 10,

    /// <summary>Nothing there yet.</summary>
    EAGAIN = 11,

    /// <summary>Out of memory.</summary>
    ENOMEM = 12,

    /// <summary>Permission denied.</summary>
    EACCES = 13,

    /// <summary>In use.</summary>
    EBUSY = 16,

    /// <summary>Exists already.</summary>
    EEXIST = 17,

    /// <summary>No such device.</summary>
    ENODEV = 19,

    /// <summary>Not a directory.</summary>
    ENOTDIR = 20,

    /// <summary>Is a directory.</summary>
    EISDIR = 21,

    /// <summary>Invalid argument.</summary>
    EINVAL = 22,

    /// <summary>Text file busy: a program that is being written.</summary>
    ETXTBSY = 26,

    /// <summary>No space left on the device.</summary>
    ENOSPC = 28,

    /// <summary>Read-only file system.</summary>
    EROFS = 30,

    /// <summary>Nobody reads the other end.</summary>
    EPIPE = 32,

    /// <summary>Out of range.</summary>
    ERANGE = 34,

    /// <summary>File name too long.</summary>
    ENAMETOOLONG = 36,

    /// <summary>Function not implemented.</summary>
    ENOSYS = 38,

    /// <summary>Directory not empty.</summary>
    ENOTEMPTY = 39,

    /// <summary>Too many levels of symbolic links.</summary>
    ELOOP = 40,

    /// <summary>The ruleset changed under the transaction (nf_tables generation check).</summary>
    ERESTART = 85,

    /// <summary>Message too long.</summary>
    EMSGSIZE = 90,

    /// <summary>Protocol not supported.</summary>
    EPROTONOSUPPORT = 93,

    /// <summary>Operation not supported.</summary>
    EOPNOTSUPP = 95,

    /// <summary>Address family not supported.</summary>
    EAFNOSUPPORT = 97,

    /// <summary>Address in use.</summary>
    EADDRINUSE = 98,

    /// <summary>Address not on this host.</summary>
    EADDRNOTAVAIL = 99,

    /// <summary>Network is down.</summary>
    ENETDOWN = 100,

    /// <summary>Network unreachable.</summary>
    ENETUNREACH = 101,

    /// <summary>No buffer space.</summary>
    ENOBUFS = 105,

    /// <summary>Not connected; a veth end whose peer is not there yet.</summary>
    ENOTCONN = 107,

    /// <summary>Timed out.</summary>
    ETIMEDOUT = 110,

    /// <summary>No route to host.</summary>
    EHOSTUNREACH = 113,
}
