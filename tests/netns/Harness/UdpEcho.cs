using System.Net;
using System.Net.Sockets;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>An <see cref="EchoServer"/> on UDP.</summary>
public sealed class UdpEcho : EchoServer
{
    /// <summary>Listens at once; "::" takes IPv6 alone.</summary>
    public UdpEcho(Netns netns, int port, string address = "0.0.0.0")
        : base(netns, address, port, SocketType.Dgram, ProtocolType.Udp) => Start();

    private protected override void Answer()
    {
        EndPoint peer = new IPEndPoint(Socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        Socket.ReceiveFrom(new byte[2048], ref peer);
        Socket.SendTo(Line(peer), peer);
    }
}
