using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <summary>The kernel's announcements that something of an interface changed, from opening on.</summary>
public sealed class KernelEvents : NetlinkConnection
{
    private KernelEvents(INetlinkSocket socket)
        : base(socket, RouteAttributeNames.Instance)
    {
    }

    /// <summary>Starts listening to a group in the calling thread's namespace.</summary>
    /// <exception cref="LinuxException">No socket to be had.</exception>
    public static KernelEvents Open(INetlinkSockets sockets, RTNLGRP group)
    {
        INetlinkSocket socket = sockets.Open(NETLINK.ROUTE);
        socket.Join(group);
        return new KernelEvents(socket);
    }

    /// <summary>
    /// Returns as soon as the condition holds, asking again whenever something was announced about the interface (null: about anything), or announcements
    /// were lost. False when it does not hold within the time.
    /// </summary>
    /// <exception cref="LinuxException">The socket failed.</exception>
    public bool Wait(InterfaceIndex? index, Func<bool> condition, TimeSpan atMost)
    {
        long deadline = Environment.TickCount64 + (long)atMost.TotalMilliseconds;
        while (!condition())
        {
            do
            {
                long left = deadline - Environment.TickCount64;
                if (left <= 0)
                {
                    return false;
                }

                SetReceiveTimeout(TimeSpan.FromMilliseconds(left));
            }
            while (!ReceiveAnnouncement(index));
        }

        return true;
    }

    private bool ReceiveAnnouncement(InterfaceIndex? index)
    {
        try
        {
            ReadOnlySpan<byte> datagram = Receive();
            while (!datagram.IsEmpty)
            {
                NetlinkReply reply = Next(ref datagram);

                // ifi_index and ifa_index both stand at offset 4 of their headers.
                if (index is null || reply.HeaderAs<IfAddrMsg>().Index == index.Value.Value)
                {
                    return true;
                }
            }

            return false;
        }
        catch (LinuxException e) when (e.Errno is Errno.EAGAIN or Errno.ENOBUFS)
        {
            return true;   // time is up, or announcements were lost: look again
        }
    }
}
