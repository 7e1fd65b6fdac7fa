using System.Runtime.InteropServices;
using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink;

/// <summary>A socket to the running kernel, with extended errors and strict checking of dump requests switched on.</summary>
public sealed class NetlinkSocket : INetlinkSocket
{
    private const int AfNetlink = 16;
    private const int SockRaw = 3;
    private const int SolNetlink = 270;

    // The kernel answers within the send; this is for a machine so loaded that another's RTNL hold takes this long.
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // Above this length a request may meet net.core.wmem_default (208 KiB), or its answers rmem_default: a batch whose changes are all
    // refused has an answer to each, and an answer counts a good 1 KiB however short it is.
    private const int OrdinaryRequest = 8 * 1024;
    private const int AnswerSpace = 16;

    private readonly KernelSocket _socket;
    private int _ample = OrdinaryRequest;

    private NetlinkSocket(KernelSocket socket) => _socket = socket;

    /// <summary>Opens sockets to the running kernel.</summary>
    public static INetlinkSockets Kernel { get; } = new KernelSockets();

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length > _ample)
        {
            // The kernel doubles what is asked for (sock_setsockopt), which covers its own 32 bytes for a message (netlink_sendmsg).
            _ample = datagram.Length;
            _socket.SetBuffers(send: _ample, receive: (int)Math.Min((long)_ample * AnswerSpace, int.MaxValue / 4));
        }

        _socket.Send(datagram);
    }

    /// <inheritdoc/>
    public int Peek() => _socket.Peek();

    /// <inheritdoc/>
    public int Receive(Span<byte> buffer)
    {
        SockAddrNl sender = default;
        int length = _socket.ReceiveFrom(buffer, MemoryMarshal.AsBytes(new Span<SockAddrNl>(ref sender)));
        return sender.PortId == 0 ? length : 0;   // port 0 is the kernel; a process may write to our port too
    }

    /// <inheritdoc/>
    public void SetReceiveTimeout(TimeSpan timeout) => _socket.SetReceiveTimeout(timeout);

    /// <inheritdoc/>
    public void Join(RTNLGRP group) => _socket.SetOption(SolNetlink, (int)NETLINK_OPTION.ADD_MEMBERSHIP, (int)group);

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static NetlinkSocket Open(NETLINK protocol)
    {
        KernelSocket socket = KernelSocket.Open(AfNetlink, SockRaw, (int)protocol);
        try
        {
            socket.SetOption(SolNetlink, (int)NETLINK_OPTION.EXT_ACK, 1);
            socket.SetOption(SolNetlink, (int)NETLINK_OPTION.CAP_ACK, 1);
            if (protocol == NETLINK.ROUTE)
            {
                socket.SetOption(SolNetlink, (int)NETLINK_OPTION.GET_STRICT_CHK, 1);
            }

            socket.SetReceiveTimeout(Patience);
            SockAddrNl address = new() { Family = AfNetlink };
            socket.Bind(MemoryMarshal.AsBytes(new ReadOnlySpan<SockAddrNl>(in address)));
            return new NetlinkSocket(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class KernelSockets : INetlinkSockets
    {
        public INetlinkSocket Open(NETLINK protocol) => NetlinkSocket.Open(protocol);
    }
}
