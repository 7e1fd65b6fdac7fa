using System.Net.Sockets;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>An <see cref="EchoServer"/> on TCP.</summary>
public sealed class TcpEcho : EchoServer
{
    /// <summary>Listens at once; "::" takes IPv6 alone.</summary>
    public TcpEcho(Netns netns, int port, string address = "0.0.0.0")
        : base(netns, address, port, SocketType.Stream, ProtocolType.Tcp) => Start();

    private protected override void Answer()
    {
        using Socket peer = Socket.Accept();
        peer.Send(Line(peer.RemoteEndPoint));
    }
}
