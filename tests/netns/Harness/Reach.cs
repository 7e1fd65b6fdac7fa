using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>How an attempt to reach a service ended.</summary>
public enum ReachOutcome
{
    /// <summary>A server answered.</summary>
    Answered,

    /// <summary>Something said no: a reset, or an ICMP error.</summary>
    Refused,

    /// <summary>Nothing came within the time.</summary>
    TimedOut,

    /// <summary>The sender's own kernel had no way to send it.</summary>
    Unroutable,
}

/// <summary>One attempt, without a retry: who answered, and which source address that server saw.</summary>
public sealed record Reach(ReachOutcome Outcome, string Server = "", string SeenSource = "")
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(1);

    /// <summary>Connects by TCP from inside a namespace and reads the server's line.</summary>
    public static Reach Tcp(Netns from, string address, int port) => Stream(from, address, port, static family => new Socket(family, SocketType.Stream, ProtocolType.Tcp));

    /// <summary>As <see cref="Tcp"/> by SCTP, where the kernel has it (<see cref="Kernel.RequireSctp"/>).</summary>
    public static Reach Sctp(Netns from, string address, int port) => Stream(from, address, port, SctpEcho.CreateSocket);

    /// <summary>Sends a datagram from inside a namespace and waits for the server's.</summary>
    public static Reach Udp(Netns from, string address, int port) => from.Run(() =>
    {
        IPEndPoint target = new(IPAddress.Parse(address), port);
        using Socket socket = new(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveTimeout = (int)s_limit.TotalMilliseconds,   // not Poll: that is silent about an ICMP error
        };
        try
        {
            socket.Connect(target);   // connected: an ICMP error reaches it
            socket.Send("?"u8);
            return Receive(socket);
        }
        catch (SocketException e)
        {
            return Failed(e);
        }
    });

    /// <summary>"answered by NAME (saw ADDRESS)", or the outcome.</summary>
    public override string ToString() => Outcome == ReachOutcome.Answered ? $"answered by {Server} (saw {SeenSource})" : Outcome.ToString();

    private static Reach Stream(Netns from, string address, int port, Func<AddressFamily, Socket> create) => from.Run(() =>
    {
        IPEndPoint target = new(IPAddress.Parse(address), port);
        using Socket socket = create(target.AddressFamily);
        socket.Blocking = false;
        try
        {
            try
            {
                socket.Connect(target);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                // On its way, as a socket that does not block says it.
            }

            if (!socket.Poll(s_limit, SelectMode.SelectWrite))
            {
                return new Reach(ReachOutcome.TimedOut);
            }

            if (socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error) is int error and not 0)
            {
                return Failed(new SocketException(error));
            }

            return socket.Poll(s_limit, SelectMode.SelectRead) ? Receive(socket) : new Reach(ReachOutcome.TimedOut);
        }
        catch (SocketException e)
        {
            return Failed(e);
        }
    });

    private static Reach Receive(Socket socket)
    {
        byte[] buffer = new byte[256];
        int count = socket.Receive(buffer);
        string[] words = Encoding.UTF8.GetString(buffer, 0, count).Trim().Split(' ');
        return words.Length == 2
            ? new Reach(ReachOutcome.Answered, words[0], words[1])
            : throw new InvalidOperationException($"not an echo server of this harness: {Encoding.UTF8.GetString(buffer, 0, count)}");
    }

    private static Reach Failed(SocketException e) => new(e.SocketErrorCode switch
    {
        SocketError.TimedOut or SocketError.WouldBlock => ReachOutcome.TimedOut,
        SocketError.NetworkUnreachable => ReachOutcome.Unroutable,
        SocketError.AddressNotAvailable => ReachOutcome.Unroutable,
        SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.HostUnreachable or SocketError.AccessDenied
            => ReachOutcome.Refused,
        _ => throw new InvalidOperationException($"unexpected socket error {e.SocketErrorCode}: {e.Message}"),
    });
}
