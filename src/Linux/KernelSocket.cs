using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>A datagram or raw socket to the kernel. Belongs for good to the network namespace it was opened in.</summary>
public sealed class KernelSocket : IDisposable
{
    private const int SoSendBufferForce = 32;      // include/uapi/asm-generic/socket.h
    private const int SoReceiveBufferForce = 33;

    private readonly SafeFileDescriptor _descriptor;

    private KernelSocket(SafeFileDescriptor descriptor) => _descriptor = descriptor;

    /// <summary>socket(2) with SOCK_CLOEXEC.</summary>
    /// <exception cref="LinuxException">EPERM, EPROTONOSUPPORT (the kernel lacks the protocol) and the like.</exception>
    public static KernelSocket Open(int domain, int type, int protocol)
    {
        int descriptor = socket(domain, type | SOCK_CLOEXEC, protocol);
        if (descriptor < 0)
        {
            throw new LinuxException("socket", $"domain {domain} protocol {protocol}", LinuxException.Last);
        }

        return new KernelSocket(new SafeFileDescriptor(descriptor));
    }

    /// <summary>bind(2) to a raw socket address (family first, host order).</summary>
    /// <exception cref="LinuxException">The kernel refuses.</exception>
    public void Bind(ReadOnlySpan<byte> address)
    {
        Errno errno = TryBind(address);
        if (errno != Errno.None)
        {
            throw new LinuxException("bind", null, errno);
        }
    }

    /// <summary>bind(2); the reason when it is refused, <see cref="Errno.None"/> when it worked.</summary>
    public unsafe Errno TryBind(ReadOnlySpan<byte> address)
    {
        fixed (byte* pointer = address)
        {
            return bind(_descriptor.Value, (Tmds.Linux.sockaddr*)pointer, (Tmds.Linux.socklen_t)(uint)address.Length) == 0
                ? Errno.None
                : LinuxException.Last;
        }
    }

    /// <summary>setsockopt(2) with an int.</summary>
    /// <exception cref="LinuxException">The kernel does not know the option.</exception>
    public unsafe void SetOption(int level, int option, int value)
    {
        if (setsockopt(_descriptor.Value, level, option, (byte*)&value, (Tmds.Linux.socklen_t)sizeof(int)) != 0)
        {
            throw new LinuxException("setsockopt", $"level {level} option {option}", LinuxException.Last);
        }
    }

    /// <summary>getsockopt(2) of 8 bytes; false when the kernel does not know the option.</summary>
    public unsafe bool TryGetOption(int level, int option, out ulong value)
    {
        ulong result = 0;
        Tmds.Linux.socklen_t length = (Tmds.Linux.socklen_t)(uint)sizeof(ulong);
        bool known = getsockopt(_descriptor.Value, level, option, (byte*)&result, &length) == 0;
        value = result;
        return known;
    }

    /// <summary>How long a receive waits before it fails with EAGAIN.</summary>
    public unsafe void SetReceiveTimeout(TimeSpan timeout)
    {
        long* timeval = stackalloc long[2];   // struct timeval on 64-bit machines
        timeval[0] = (long)timeout.TotalSeconds;
        timeval[1] = timeout.Microseconds + (timeout.Milliseconds * 1000L);
        if (setsockopt(_descriptor.Value, SOL_SOCKET, SO_RCVTIMEO, (byte*)timeval, (Tmds.Linux.socklen_t)16) != 0)
        {
            throw new LinuxException("setsockopt", "SO_RCVTIMEO", LinuxException.Last);
        }
    }

    /// <summary>
    /// Makes room for long datagrams: SO_SNDBUFFORCE and SO_RCVBUFFORCE, which pass net.core.wmem_max and rmem_max; without the
    /// capability for that (in a user namespace) as much as these allow.
    /// </summary>
    /// <exception cref="LinuxException">The kernel refuses.</exception>
    public void SetBuffers(int send, int receive)
    {
        try
        {
            SetOption(SOL_SOCKET, SoSendBufferForce, send);
            SetOption(SOL_SOCKET, SoReceiveBufferForce, receive);
        }
        catch (LinuxException e) when (e.Errno == Errno.EPERM)
        {
            SetOption(SOL_SOCKET, SO_SNDBUF, send);
            SetOption(SOL_SOCKET, SO_RCVBUF, receive);
        }
    }

    /// <summary>send(2) of one datagram.</summary>
    /// <exception cref="LinuxException">EMSGSIZE when it does not fit the send buffer, and the like.</exception>
    public unsafe void Send(ReadOnlySpan<byte> datagram)
    {
        fixed (byte* pointer = datagram)
        {
            while ((nint)send(_descriptor.Value, pointer, (Tmds.Linux.size_t)datagram.Length, 0) < 0)
            {
                if (LinuxException.Last != Errno.EINTR)
                {
                    throw new LinuxException("send", null, LinuxException.Last);
                }
            }
        }
    }

    /// <summary>The length of the next datagram, which stays queued; waits for one.</summary>
    /// <exception cref="LinuxException">EAGAIN after the receive timeout; ENOBUFS when the kernel dropped messages.</exception>
    public int Peek() => Receive([], MSG_PEEK | MSG_TRUNC);

    /// <summary>
    /// Takes the next datagram, with the raw address of who sent it; returns its length. What does not fit is cut off:
    /// <see cref="Peek"/> first.
    /// </summary>
    /// <exception cref="LinuxException">EAGAIN after the receive timeout; ENOBUFS when the kernel dropped messages.</exception>
    public unsafe int ReceiveFrom(Span<byte> buffer, Span<byte> sender)
    {
        fixed (byte* pointer = &MemoryMarshal.GetReference(buffer))
        fixed (byte* address = sender)
        {
            while (true)
            {
                Tmds.Linux.socklen_t addressLength = (Tmds.Linux.socklen_t)(uint)sender.Length;
                nint length = (nint)recvfrom(
                    _descriptor.Value, pointer, (Tmds.Linux.size_t)buffer.Length, MSG_TRUNC, (Tmds.Linux.sockaddr*)address, &addressLength);
                if (length >= 0)
                {
                    return (int)length;
                }

                if (LinuxException.Last != Errno.EINTR)
                {
                    throw new LinuxException("recvfrom", null, LinuxException.Last);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private unsafe int Receive(Span<byte> buffer, int flags)
    {
        fixed (byte* pointer = &MemoryMarshal.GetReference(buffer))
        {
            while (true)
            {
                nint length = (nint)recv(_descriptor.Value, pointer, (Tmds.Linux.size_t)buffer.Length, flags);
                if (length >= 0)
                {
                    return (int)length;
                }

                if (LinuxException.Last != Errno.EINTR)
                {
                    throw new LinuxException("recv", null, LinuxException.Last);
                }
            }
        }
    }
}
