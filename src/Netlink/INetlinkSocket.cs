using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink;

/// <summary>A netlink socket: the one seam that tests replace, to fail a request or to play the kernel.</summary>
public interface INetlinkSocket : IDisposable
{
    /// <summary>Sends one datagram: a message, or several one behind the other.</summary>
    void Send(ReadOnlySpan<byte> datagram);

    /// <summary>The length of the next datagram; waits for it.</summary>
    int Peek();

    /// <summary>Takes the next datagram; returns its length, 0 for one that is not the kernel's and is to be passed over.</summary>
    int Receive(Span<byte> buffer);

    /// <summary>How long a receive waits before it fails with EAGAIN.</summary>
    void SetReceiveTimeout(TimeSpan timeout);

    /// <summary>Receives a multicast group's messages from now on.</summary>
    void Join(RTNLGRP group);
}

/// <summary>Opens netlink sockets in the calling thread's network namespace.</summary>
public interface INetlinkSockets
{
    /// <summary>A socket to a subsystem of the kernel.</summary>
    INetlinkSocket Open(NETLINK protocol);
}
