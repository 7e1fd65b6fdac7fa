namespace CniPlugins.Linux;

/// <summary>poll(2), with interrupted calls begun again.</summary>
internal static unsafe class Polling
{
    internal const short POLLIN = 1;
    internal const short POLLOUT = 4;
    internal const short POLLERR = 8;
    internal const short POLLHUP = 16;

    /// <summary><c>struct pollfd</c>, include/uapi/asm-generic/poll.h; a negative descriptor is left out.</summary>
    internal struct Entry
    {
        internal int Descriptor;
        internal short Events;
        internal short Returned;
    }

    /// <summary>Waits for an event on any entry; 0 when the time ran out. Throws <see cref="LinuxException"/>.</summary>
    internal static int Wait(Span<Entry> entries, int timeoutMilliseconds)
    {
        fixed (Entry* pointer = entries)
        {
            while (true)
            {
                int ready = Libc.poll(pointer, (ulong)entries.Length, timeoutMilliseconds);
                if (ready >= 0)
                {
                    return ready;
                }

                Errno errno = LinuxException.Last;
                if (errno != Errno.EINTR)
                {
                    throw new LinuxException("poll", null, errno);
                }
            }
        }
    }

    /// <summary>Waits until a read would not block; false when the time ran out.</summary>
    internal static bool WaitReadable(int descriptor, int timeoutMilliseconds)
    {
        Span<Entry> entries = [new Entry { Descriptor = descriptor, Events = POLLIN }];
        return Wait(entries, timeoutMilliseconds) > 0;
    }

    /// <summary>Lets time pass.</summary>
    internal static void Pause(int milliseconds) => Wait([], milliseconds);
}
