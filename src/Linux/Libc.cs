using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace CniPlugins.Linux;

/// <summary>
/// The functions of the C library that Tmds.LibC does not declare. The library's name is the one Tmds.LibC uses, so that one
/// <c>DirectPInvoke</c> binds both at link time.
/// </summary>
internal static unsafe partial class Libc
{
    private const string Library = "libc.so.6";

    internal const int LOCK_SH = 1;
    internal const int LOCK_EX = 2;
    internal const int LOCK_NB = 4;
    internal const int LOCK_UN = 8;

    /// <summary>flock(2).</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int flock(int fd, int operation);

    /// <summary>rename(2).</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int rename(string from, string to);

    /// <summary>renameat(2).</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int renameat(int fromDirectory, byte* from, int toDirectory, byte* to);

    /// <summary>getdents64(2): entries of <c>struct linux_dirent64</c>.</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint getdents64(int fd, void* buffer, nuint count);

    /// <summary>fstatfs(2); the buffer is a <c>struct statfs</c>, whose first word is <c>f_type</c>.</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int fstatfs(int fd, long* buffer);

    /// <summary>waitpid(2).</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int waitpid(int pid, int* status, int options);

    /// <summary>posix_spawn(3): returns the error number, errno is not set.</summary>
    [LibraryImport(Library)]
    internal static partial int posix_spawn(int* pid, byte* path, void* fileActions, void* attributes, byte** argv, byte** envp);

    [LibraryImport(Library)]
    internal static partial int posix_spawn_file_actions_init(void* fileActions);

    [LibraryImport(Library)]
    internal static partial int posix_spawn_file_actions_destroy(void* fileActions);

    [LibraryImport(Library)]
    internal static partial int posix_spawn_file_actions_adddup2(void* fileActions, int fd, int newFd);

    /// <summary>The write end of a pipe has lost its reader.</summary>
    internal const int SIGPIPE = 13;

    internal const nint SIG_IGN = 1;

    /// <summary>signal(2), for SIG_IGN only.</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint signal(int number, nint handler);

    /// <summary>poll(2).</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int poll(Polling.Entry* entries, ulong count, int timeout);

    /// <summary>A child has ended.</summary>
    internal const int SIGCHLD = 17;

    internal const nint SIG_DFL = 0;

    internal const short POSIX_SPAWN_SETSIGDEF = 4;
    internal const short POSIX_SPAWN_SETSIGMASK = 8;

    /// <summary>The number of pidfd_open(2), the same on every architecture (include/uapi/asm-generic/unistd.h).</summary>
    internal const long SYS_pidfd_open = 434;

    internal const long SYS_fsopen = 430;    // as above
    internal const long SYS_fsconfig = 431;
    internal const long SYS_fsmount = 432;

    /// <summary>syscall(2), for calls without a wrapper.</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial long syscall(long number, long first, long second);

    /// <inheritdoc cref="syscall(long, long, long)"/>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial long syscall(long number, long first, long second, long third);

    /// <inheritdoc cref="syscall(long, long, long)"/>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial long syscall(long number, long first, long second, long third, long fourth, long fifth);

    /// <summary>sigaction(2); the first word of <c>struct sigaction</c> is the handler.</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int sigaction(int number, void* action, void* old);

    [LibraryImport(Library)]
    internal static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport(Library)]
    internal static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport(Library)]
    internal static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(Library)]
    internal static partial int posix_spawnattr_setsigmask(void* attributes, void* signals);

    [LibraryImport(Library)]
    internal static partial int posix_spawnattr_setsigdefault(void* attributes, void* signals);

    /// <summary>ioctl(2), for requests that take a number or a pointer.</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int ioctl(int fd, ulong request, nint argument);
}
