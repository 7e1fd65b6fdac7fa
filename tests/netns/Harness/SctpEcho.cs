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

    private protected override void Answer()
    {
        using Socket peer = Socket.Accept();
        peer.Send(Line(peer.RemoteEndPoint));
    }
}
