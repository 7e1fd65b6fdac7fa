using System.Net.Sockets;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>An <see cref="EchoServer"/> on SCTP (one-to-one style); <see cref="Kernel.RequireSctp"/> goes before.</summary>
public sealed class SctpEcho : EchoServer
{
    /// <summary>IPPROTO_SCTP, which .NET has no name for.</summary>
    internal const ProtocolType Protocol = (ProtocolType)132;

    /// <summary>Listens at once.</summary>
    public SctpEcho(Netns netns, int port, string address = "0.0.0.0")
        : base(netns, address, port, SocketType.Stream, Protocol) => Start();

    /// <summary>.NET makes no socket of a protocol that it does not know, but takes one.</summary>
    internal static Socket CreateSocket(AddressFamily family)
    {
        const int AF_INET = 2;
        const int AF_INET6 = 10;
        const int SOCK_STREAM = 1;
        const int SOCK_CLOEXEC = 0x80000;
        int descriptor = NativeMethods.Socket(
            family == AddressFamily.InterNetworkV6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, (int)Protocol);
        return new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
    }

    private protected override void Answer()
    {
        using Socket peer = Socket.Accept();
        peer.Send(Line(peer.RemoteEndPoint));
    }
}
