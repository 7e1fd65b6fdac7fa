using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>A server inside a namespace that answers everybody with one line: its name and the address it saw.</summary>
public abstract class EchoServer : IDisposable
{
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(50);

    private readonly Thread _thread;
    private volatile bool _ended;

    /// <summary>Binds inside the namespace; the socket stays there, whichever thread serves it. Port 0 takes a free one.</summary>
    private protected EchoServer(Netns netns, string address, int port, SocketType type, ProtocolType protocol)
    {
        IPEndPoint local = new(IPAddress.Parse(address), port);
        Socket = netns.Run(() =>
        {
            Socket socket = protocol == SctpEcho.Protocol ? SctpEcho.CreateSocket(local.AddressFamily) : new(local.AddressFamily, type, protocol);
            if (local.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = false;   // "::" is IPv6 alone: a test says so when it wants both
            }

            socket.Bind(local);
            if (type == SocketType.Stream)
            {
                socket.Listen(16);
            }

            return socket;
        });
        Name = netns.Name;
        Port = ((IPEndPoint)Socket.LocalEndPoint!).Port;
        _thread = new Thread(Serve) { IsBackground = true };
    }

    /// <summary>The name it answers with: its namespace's.</summary>
    public string Name { get; init; }

    /// <summary>The port it listens on.</summary>
    public int Port { get; }

    private protected Socket Socket { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ended = true;
        _thread.Join();
        Socket.Dispose();
    }

    private protected void Start() => _thread.Start();

    /// <summary>Takes one request and answers it.</summary>
    private protected abstract void Answer();

    private protected byte[] Line(EndPoint? peer) => Encoding.UTF8.GetBytes($"{Name} {((IPEndPoint)peer!).Address}\n");

    private void Serve()
    {
        while (!_ended)
        {
            if (!Socket.Poll(s_turn, SelectMode.SelectRead))
            {
                continue;
            }

            try
            {
                Answer();
            }
            catch (SocketException)
            {
                // The peer went away first, or an ICMP error came back: the next one is served all the same.
            }
        }
    }
}
