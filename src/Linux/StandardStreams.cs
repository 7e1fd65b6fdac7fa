using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>The descriptors 0, 1 and 2.</summary>
public static class StandardStreams
{
    /// <summary>How long standard input may stay silent before a read fails: nobody is going to write there any more.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(60);

    /// <summary>Standard input; a read fails with ETIMEDOUT after a minute of silence.</summary>
    public static Stream Input => new DescriptorStream(0, "standard input", s_silence);

    /// <summary>Standard output.</summary>
    public static Stream Output => new DescriptorStream(1, "standard output");

    /// <summary>Standard error.</summary>
    public static Stream Error => new DescriptorStream(2, "standard error");

    /// <summary>
    /// Opens /dev/null where a standard descriptor is closed, since the next socket would get its number and be written to, and
    /// ignores SIGPIPE, so that a reader who went away is an error of write(2) and not the end of the process.
    /// </summary>
    public static void Ensure()
    {
        Libc.signal(Libc.SIGPIPE, Libc.SIG_IGN);
        for (int descriptor = 0; descriptor <= 2; descriptor++)
        {
            if (fcntl(descriptor, F_GETFD) < 0)
            {
                OpenNull();
            }
        }
    }

    // Without O_CLOEXEC, as a standard descriptor is inherited; the lowest free number is the closed one.
    private static unsafe void OpenNull()
    {
        fixed (byte* path = "/dev/null\0"u8)
        {
            _ = open(path, O_RDWR);
        }
    }
}
