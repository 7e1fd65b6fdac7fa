using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Publishing;

/// <summary>
/// Finds out whether a process of the host has a port: what is published would take it away from the process without a word. A port is taken if it cannot
/// be bound, and a socket holds it; an outgoing connection which happens to have the number keeps it, and is in nobody's way.
/// </summary>
public static class ListenerProbe
{
    private const int Many = 32;   // to look at all sockets costs about as much as to try as many ports
    private const int SockStream = 1;
    private const int SockDgram = 2;
    private const int IpprotoIp = 0;
    private const int IpprotoIpv6 = 41;
    private const int SolSocket = 1;
    private const int SoReuseAddress = 2;
    private const int IpFreebind = 15;
    private const int Ipv6V6Only = 26;

    /// <summary>The first of the ports that a process has; null when all are free. Looks in the calling thread's namespace.</summary>
    /// <exception cref="LinuxException">No socket to be had.</exception>
    public static PortConflictException? Find(IReadOnlyList<PublishedPort> ports)
    {
        SocketPorts? sockets = ports.Count >= Many ? SocketPorts.Read(ports) : null;
        foreach (PublishedPort port in ports)
        {
            if (sockets?.Has(port) != false && Probe(port) == Errno.EADDRINUSE && (sockets ??= SocketPorts.Read(ports))?.Has(port) != false)
            {
                return new PortConflictException(port, SocketOwner.Find(port), byProcess: true);
            }
        }

        return null;
    }

    private static Errno Probe(PublishedPort port)
    {
        bool v6 = port.HostAddress.AddressFamily == AddressFamily.InterNetworkV6;
        KernelSocket socket;
        try
        {
            socket = KernelSocket.Open(v6 ? 10 : 2, port.Protocol == PortProtocol.Udp ? SockDgram : SockStream, (int)port.Protocol);
        }
        catch (LinuxException e) when (e.Errno is Errno.EPROTONOSUPPORT or Errno.EAFNOSUPPORT)
        {
            return Errno.None;   // a kernel without SCTP or IPv6 sockets has no listener on one either
        }

        using (socket)
        {
            // TCP: in the way are listeners only, not connections that are closing. UDP has no listening state.
            if (port.Protocol != PortProtocol.Udp)
            {
                socket.SetOption(SolSocket, SoReuseAddress, 1);
            }

            // An address that this host does not have yet (a floating one) may be named.
            socket.SetOption(IpprotoIp, IpFreebind, 1);
            if (v6)
            {
                socket.SetOption(IpprotoIpv6, Ipv6V6Only, 1);
            }

            return socket.TryBind(Encode(port.HostAddress, port.HostPort));
        }
    }

    /// <summary><c>struct sockaddr_in</c> (16 bytes) or <c>struct sockaddr_in6</c> (28 bytes); port and address in network order.</summary>
    private static byte[] Encode(IPAddress address, ushort port)
    {
        bool v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        byte[] bytes = new byte[v6 ? 28 : 16];
        MemoryMarshal.Write(bytes, (ushort)(v6 ? 10 : 2));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), port);
        address.TryWriteBytes(bytes.AsSpan(v6 ? 8 : 4), out _);
        return bytes;
    }
}
