using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>A client inside a namespace that asks again and again from one and the same port, as resolvers and phones do.</summary>
public sealed class UdpClient : IDisposable
{
    private readonly Socket _socket;
    private readonly IPEndPoint _target;

    /// <summary>Not connected, so that an ICMP error of one question does not become the answer of the next.</summary>
    public UdpClient(Netns netns, string address, int port)
    {
        _target = new IPEndPoint(IPAddress.Parse(address), port);
        _socket = netns.Run(() =>
        {
            Socket socket = new(_target.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 1000 };
            socket.Bind(new IPEndPoint(_target.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
            return socket;
        });
    }

    /// <summary>One question, without a retry; who answered within a second, or an empty text.</summary>
    public string Ask()
    {
        byte[] buffer = new byte[256];
        try
        {
            _socket.SendTo("?"u8, _target);
            return Encoding.UTF8.GetString(buffer, 0, _socket.Receive(buffer)).Split(' ')[0];
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock or SocketError.ConnectionRefused)
        {
            return "";
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
