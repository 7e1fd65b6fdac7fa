using System.Text;
using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>
/// Runs another program to its end with its three standard streams on pipes. It starts in the namespaces of the calling thread
/// (posix_spawn clones that thread), which System.Diagnostics.Process would not promise.
/// </summary>
public static class ChildProcess
{
    /// <summary>How much of standard error is kept for a message; all of it is passed on.</summary>
    private const int KeptErrorBytes = 16 * 1024;

    /// <summary>Starts the program, feeds it, and waits for its end.</summary>
    /// <param name="path">The executable's path; it is also argv[0].</param>
    /// <param name="environment">Its variables, <c>KEY=value</c>.</param>
    /// <param name="input">Its standard input.</param>
    /// <param name="outputLimit">It is killed when it writes more bytes than these to standard output.</param>
    /// <param name="error">Gets its standard error as it comes.</param>
    /// <exception cref="LinuxException">It cannot be started (EACCES, ENOENT, ENOEXEC, ETXTBSY as the kernel says).</exception>
    public static ChildResult Run(
        string path, IReadOnlyCollection<string> environment, ReadOnlyMemory<byte> input, int outputLimit, ErrorSink error)
    {
        PrepareSignals();
        using ChildPipe stdin = ChildPipe.ToChild();
        using ChildPipe stdout = ChildPipe.FromChild();
        using ChildPipe stderr = ChildPipe.FromChild();
        int pid = Spawn(path, environment, [stdin.ChildEnd, stdout.ChildEnd, stderr.ChildEnd]);
        bool reaped = false;
        try
        {
            stdin.CloseChildEnd();
            stdout.CloseChildEnd();
            stderr.CloseChildEnd();
            using SafeFileDescriptor? exit = OpenPidDescriptor(pid);
            ChildStreams streams = new(stdin, stdout, stderr, input, outputLimit, KeptErrorBytes, error);
            bool exceeded = !streams.Pump(exit);
            stdin.CloseOwnEnd();
            if (exceeded)
            {
                _ = kill(pid, SIGKILL);
            }

            int status = Wait(pid);
            reaped = true;
            return new ChildResult(status, streams.Output, Encoding.UTF8.GetString(streams.ErrorHead), exceeded);
        }
        finally
        {
            if (!reaped)
            {
                _ = kill(pid, SIGKILL);
                Wait(pid);
            }
        }
    }

    // A child that closes its input early is an error of write(2) here, not a signal; and a caller that left SIGCHLD ignored would
    // make the kernel forget the exit status.
    private static unsafe void PrepareSignals()
    {
        Libc.signal(Libc.SIGPIPE, Libc.SIG_IGN);
        nint* action = stackalloc nint[32];
        if (Libc.sigaction(Libc.SIGCHLD, null, action) == 0 && action[0] == Libc.SIG_IGN)
        {
            Libc.signal(Libc.SIGCHLD, Libc.SIG_DFL);
        }
    }

    private static unsafe int Spawn(string path, IReadOnlyCollection<string> environment, ReadOnlySpan<int> standard)
    {
        using CStringArray arguments = new([path]);
        using CStringArray variables = new(environment);
        byte* actions = stackalloc byte[512];      // posix_spawn_file_actions_t is 80 bytes with glibc
        byte* attributes = stackalloc byte[1024];  // posix_spawnattr_t is 336
        Require(Libc.posix_spawn_file_actions_init(actions), path);
        Require(Libc.posix_spawnattr_init(attributes), path);
        try
        {
            for (int i = 0; i < standard.Length; i++)
            {
                Require(Libc.posix_spawn_file_actions_adddup2(actions, standard[i], i), path);
            }

            // An ignored signal stays ignored over exec: the child gets SIGPIPE back, and an empty mask.
            ulong* signals = stackalloc ulong[16];
            new Span<ulong>(signals, 16).Clear();
            Require(Libc.posix_spawnattr_setsigmask(attributes, signals), path);
            signals[0] = 1UL << (Libc.SIGPIPE - 1);
            Require(Libc.posix_spawnattr_setsigdefault(attributes, signals), path);
            Require(Libc.posix_spawnattr_setflags(attributes, Libc.POSIX_SPAWN_SETSIGDEF | Libc.POSIX_SPAWN_SETSIGMASK), path);
            int pid;
            Require(Libc.posix_spawn(&pid, arguments.Pointer[0], actions, attributes, arguments.Pointer, variables.Pointer), path);
            return pid;
        }
        finally
        {
            _ = Libc.posix_spawn_file_actions_destroy(actions);
            _ = Libc.posix_spawnattr_destroy(attributes);
        }
    }

    private static void Require(int error, string path)
    {
        if (error != 0)
        {
            throw new LinuxException("execute", path, (Errno)error);
        }
    }

    // Null before Linux 5.3: then the end of the streams is the only sign, and a daemon that the child left behind delays it.
    private static SafeFileDescriptor? OpenPidDescriptor(int pid)
    {
        long descriptor = Libc.syscall(Libc.SYS_pidfd_open, pid, 0);
        return descriptor < 0 ? null : new SafeFileDescriptor((int)descriptor);
    }

    private static unsafe int Wait(int pid)
    {
        int status;
        while (Libc.waitpid(pid, &status, 0) < 0)
        {
            Errno errno = LinuxException.Last;
            if (errno != Errno.EINTR)
            {
                throw new LinuxException("waitpid", null, errno);
            }
        }

        return status;
    }
}
