using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Loopback addresses belong to the host, also while a port is published on one of them and route_localnet is on.</summary>
public sealed class GuardTests
{
    private const string Configuration = """{"cniVersion":"1.1.0","name":"net1","type":"bridge","bridge":"br1","isDefaultGateway":true,"ipMasq":true,"ipam":{"type":"host-local","subnet":"10.1.0.0/24"}}""";

    private const string Published = """{"portMappings":[{"hostPort":8080,"containerPort":80}]}""";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_container_cannot_pass_for_the_hosts_loopback(bool bridgeNetfilter)
    {
        using TestHost host = TestHost.Create();
        host.SetBridgeNetfilter(bridgeNetfilter);
        host.SetConfiguration("""{"publish":{"loopback":"nat"}}""");
        Container container = host.Container("c1");
        string own = container.Add("bridge", Configuration, new CniOptions { RuntimeConfig = Published }).Address();
        Assert.Equal("1", host.Netns.FindSysctl("net/ipv4/conf/br1/route_localnet"));

        using Socket listener = host.Netns.Run(static () =>
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 1000 };
            socket.Bind(new IPEndPoint(IPAddress.Any, 9999));
            return socket;
        });

        Assert.Equal("spoofed nothing", SendAndReceive(container, listener, own));
        Assert.Equal("nothing came", SendAndReceive(container, listener, "127.0.0.1"));
        Assert.Equal("nothing came", SendAndReceive(container, listener, "127.0.0.53"));
    }

    private static string SendAndReceive(Container container, Socket listener, string source)
    {
        byte[] packet = Udp(IPAddress.Parse(source), IPAddress.Parse("10.1.0.1"), 9999, "spoofed nothing");
        container.Netns.Run(() =>
        {
            using Socket raw = new(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Raw);
            raw.SendTo(packet, new IPEndPoint(IPAddress.Parse("10.1.0.1"), 0));
        });
        byte[] buffer = new byte[100];
        try
        {
            return Encoding.ASCII.GetString(buffer, 0, listener.Receive(buffer));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            return "nothing came";
        }
    }

    /// <summary>An IPv4 packet (RFC 791; the kernel fills in length and checksum) with a UDP datagram (RFC 768) without checksum.</summary>
    private static byte[] Udp(IPAddress source, IPAddress destination, ushort port, string text)
    {
        byte[] packet = new byte[28 + text.Length];
        packet[0] = 0x45;
        packet[8] = 64;
        packet[9] = 17;
        source.TryWriteBytes(packet.AsSpan(12), out _);
        destination.TryWriteBytes(packet.AsSpan(16), out _);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(20), 4321);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), port);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(24), (ushort)(8 + text.Length));
        Encoding.ASCII.GetBytes(text, packet.AsSpan(28));
        return packet;
    }
}
