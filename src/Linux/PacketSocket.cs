using System.Buffers.Binary;
using System.Runtime.InteropServices;
using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>Whole frames of one protocol, to and from one interface: packet(7).</summary>
public sealed class PacketSocket : IDisposable
{
    private readonly KernelSocket _socket;

    private PacketSocket(KernelSocket socket) => _socket = socket;

    /// <summary>Opens it in the calling thread's namespace.</summary>
    /// <param name="interfaceIndex">The interface.</param>
    /// <param name="protocol">The Ethernet protocol, such as 0x0806 for ARP (include/uapi/linux/if_ether.h).</param>
    /// <exception cref="LinuxException">EPERM without CAP_NET_RAW, ENODEV, EAFNOSUPPORT (no CONFIG_PACKET).</exception>
    public static PacketSocket Open(int interfaceIndex, ushort protocol)
    {
        // No protocol until it is bound to the interface: else it would begin with frames of all of them.
        KernelSocket socket = KernelSocket.Open(AF_PACKET, SOCK_RAW, 0);
        Span<byte> address = stackalloc byte[20];   // struct sockaddr_ll; bind reads family, protocol (network order) and index
        MemoryMarshal.Write(address, (ushort)AF_PACKET);
        BinaryPrimitives.WriteUInt16BigEndian(address[2..], protocol);
        MemoryMarshal.Write(address[4..], interfaceIndex);
        try
        {
            socket.Bind(address);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return new PacketSocket(socket);
    }

    /// <summary>Sends a frame, its header included.</summary>
    /// <exception cref="LinuxException">ENETDOWN and the like.</exception>
    public void Send(ReadOnlySpan<byte> frame) => _socket.Send(frame);

    /// <summary>Takes the next frame, cut off where the buffer ends: its length, or null when none comes in the time.</summary>
    /// <exception cref="LinuxException">ENETDOWN and the like.</exception>
    public int? TryReceive(Span<byte> buffer, TimeSpan wait)
    {
        if (wait <= TimeSpan.Zero)
        {
            return null;
        }

        _socket.SetReceiveTimeout(wait);
        try
        {
            return Math.Min(_socket.ReceiveFrom(buffer, stackalloc byte[20]), buffer.Length);
        }
        catch (LinuxException e) when (e.Errno == Errno.EAGAIN)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
