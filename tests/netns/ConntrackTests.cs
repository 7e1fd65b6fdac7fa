using System.Net;
using System.Net.Sockets;
using System.Text;
using CniPlugins.Netlink;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Nftables;
using CniPlugins.Nftables.Conntrack;
using CniPlugins.Publishing;

namespace CniPlugins.NetnsTests;

/// <summary>
/// UDP clients that keep talking while a published port moves to another container, judged by what answers them and by <c>conntrack -L</c>.
/// </summary>
public sealed class ConntrackTests : IDisposable
{
    private const int Service = 5353;

    private readonly Netns _host = Netns.Create("host");
    private readonly Netns _client = Netns.Create("client");
    private readonly Netns _old = Netns.Create("old");
    private readonly Netns _new = Netns.Create("new");
    private readonly PolicyStore _store;

    public ConntrackTests()
    {
        foreach (Netns each in new[] { _host, _client, _old, _new })
        {
            each.SetSysctl("net/ipv6/conf/default/accept_dad", "0");   // a router that may not use its own address yet asks for no neighbour
        }

        Join(_client, "client", 0);
        Join(_old, "old", 1);
        Join(_new, "new", 2);
        _host.SetSysctl("net/ipv4/ip_forward", "1");
        _host.SetSysctl("net/ipv6/conf/all/forwarding", "1");
        _store = _host.Run(static () => new PolicyStore(NftConnection.Open(NetlinkSocket.Kernel)));
    }

    public void Dispose()
    {
        _store.Dispose();
        foreach (Netns each in new[] { _host, _client, _old, _new })
        {
            each.Dispose();
        }
    }

    [Theory]
    [InlineData("10.9.0.1", "10.9.0.1", false)]
    [InlineData("10.9.0.1", "0.0.0.0", false)]
    [InlineData("10.9.0.1", "0.0.0.0", true)]
    [InlineData("fd00:9::1", "fd00:9::1", false)]
    [InlineData("fd00:9::1", "::", true)]
    public void A_client_that_keeps_talking_reaches_the_new_container(string host, string published, bool knowsAddresses)
    {
        bool v6 = host.Contains(':', StringComparison.Ordinal);
        Func<IReadOnlyList<IPAddress>>? addresses = knowsAddresses ? () => [IPAddress.Parse("10.9.9.9"), IPAddress.Parse(host)] : null;
        using Socket socket = Talk(host);
        PublishedPort before = Publish(published, v6 ? "fd00:9:1::2" : "10.9.1.2");
        using (UdpEcho dying = new(_old, Service, v6 ? "::" : "0.0.0.0"))
        {
            Assert.StartsWith("old ", Ask(socket), StringComparison.Ordinal);
        }

        _store.Remove([PolicyElements.Published(before, $"{before.ContainerAddress}")]);
        PublishedPort after = Publish(published, v6 ? "fd00:9:2::2" : "10.9.2.2");
        using UdpEcho living = new(_new, Service, v6 ? "::" : "0.0.0.0");
        Assert.Equal("", Ask(socket));   // the stale entry: why all this is needed
        Assert.Contains(before.ContainerAddress.ToString(), Tracked(v6), StringComparison.Ordinal);

        int forgotten = _host.Run(() => ConntrackFlush.Run(NetlinkSocket.Kernel, [after], addresses));

        Assert.Equal(1, forgotten);
        Assert.Equal("", Tracked(v6));
        Assert.StartsWith("new ", Ask(socket), StringComparison.Ordinal);
    }

    /// <summary>With many ports as with one; what a process of the host has accepted is none of it.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2000, true)]
    public void Of_tcp_what_went_to_a_container_is_forgotten_and_nothing_else(int count, bool bothFamilies)
    {
        PublishedPort published = new(IPAddress.Parse("10.9.0.1"), Service, PortProtocol.Tcp, IPAddress.Parse("10.9.1.2"), 80);
        _store.Add([PolicyElements.Published(published, "old")], [], [published]);
        using TcpEcho server = new(_old, 80);
        using TcpEcho process = new(_host, Service + 1);
        using Socket toContainer = Connect("10.9.0.1", Service);
        using Socket toHost = Connect("10.9.0.1", Service + 1);
        _store.Remove([PolicyElements.Published(published, "old")]);
        PublishedPort[] ports = [.. Enumerable.Range(0, count).Select(i => published with { HostPort = (ushort)(Service + i) }),
            .. bothFamilies ? [published with { HostAddress = IPAddress.IPv6Any, ContainerAddress = IPAddress.Parse("fd00:9:1::2") }] : Array.Empty<PublishedPort>(),
            published with { HostPort = Service + 1 }, published with { HostAddress = IPAddress.Any, HostPort = Service + 1 }];

        Assert.Equal(1, _host.Run(() => ConntrackFlush.Run(NetlinkSocket.Kernel, ports, static () => [IPAddress.Parse("10.9.0.1")])));

        string left = _host.Exec("/usr/sbin/conntrack", "-L", "-p", "tcp").Output;
        Assert.DoesNotContain("src=10.9.1.2 ", left, StringComparison.Ordinal);   // what the client sends now is a new connection, to this host
        Assert.Contains($"dport={Service + 1} ", left, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_connections_are_left_alone()
    {
        Publish("10.9.0.1", "10.9.1.2");
        using UdpEcho server = new(_old, Service);
        using UdpEcho otherServer = new(_new, Service);
        using UdpEcho otherPort = new(_old, Service + 1);
        using Socket published = Talk("10.9.0.1");
        using Socket transit = Talk("10.9.2.2");
        using Socket direct = Talk("10.9.1.2", Service + 1);
        Assert.StartsWith("old ", Ask(published), StringComparison.Ordinal);
        Assert.StartsWith("new ", Ask(transit), StringComparison.Ordinal);
        Assert.StartsWith("old ", Ask(direct), StringComparison.Ordinal);
        PublishedPort everywhere = new(IPAddress.Any, Service, PortProtocol.Udp, IPAddress.Parse("10.9.1.2"), Service);

        Assert.Equal(0, Flush(everywhere with { HostPort = 1 }));
        Assert.Equal(0, Flush(everywhere with { Protocol = PortProtocol.Tcp }));
        Assert.Equal(0, Flush(everywhere with { HostAddress = IPAddress.Parse("10.9.7.7") }));
        Assert.Equal(0, Flush(everywhere with { HostAddress = IPAddress.IPv6Any }));
        Assert.Equal(3, Tracked(v6: false).Split('\n').Length);
        Assert.Equal(1, _host.Run(() => ConntrackFlush.Run(NetlinkSocket.Kernel, [everywhere], static () => [IPAddress.Parse("10.9.0.1")])));
        Assert.Equal(2, Tracked(v6: false).Split('\n').Length);
    }

    [Theory]
    [InlineData("10.9.0.1", "10.9.1.2")]
    [InlineData("fd00:9::1", "fd00:9:1::2")]
    public void Everything_that_a_container_answers_is_forgotten(string host, string container)
    {
        bool v6 = host.Contains(':', StringComparison.Ordinal);
        Publish(host, container);
        using UdpEcho server = new(_old, Service, v6 ? "::" : "0.0.0.0");
        using UdpEcho other = new(_new, Service, v6 ? "::" : "0.0.0.0");
        using Socket published = Talk(host);
        using Socket direct = Talk(container);
        using Socket transit = Talk(v6 ? "fd00:9:2::2" : "10.9.2.2");
        foreach (Socket socket in new[] { published, direct, transit })
        {
            Assert.NotEqual("", Ask(socket));
        }

        using ConntrackConnection conntrack = _host.Run(static () => ConntrackConnection.Open(NetlinkSocket.Kernel));

        Assert.Equal(2, conntrack.Delete(ConntrackFilter.AnsweredBy(IPAddress.Parse(container))));
        Assert.Single(Tracked(v6).Split('\n'));
        Assert.Equal(0, conntrack.Delete(ConntrackFilter.AnsweredBy(IPAddress.Parse(container))));
        Assert.Equal(1, conntrack.Delete([ConntrackFilter.ToPort(6, 80), ConntrackFilter.ToPort(17, Service)]));
        Assert.Equal("", Tracked(v6));
    }

    private static string Ask(Socket socket)
    {
        byte[] answer = new byte[100];
        try
        {
            socket.Send("?"u8);
            return Encoding.UTF8.GetString(answer, 0, socket.Receive(answer));
        }
        catch (SocketException)
        {
            return "";
        }
    }

    private static void Join(Netns netns, string host, string name, int number, Netns router)
    {
        router.Ip($"link add {host} type veth peer name {name} netns {netns.Path}");
        router.Ip($"address add 10.9.{number}.1/24 dev {host}");
        router.Ip($"address add fd00:9:{number}::1/64 dev {host} nodad");
        router.Ip($"link set {host} up");
        netns.Ip($"address add 10.9.{number}.2/24 dev {name}");
        netns.Ip($"address add fd00:9:{number}::2/64 dev {name} nodad");
        netns.Ip($"link set {name} up");
        netns.Ip($"route add default via 10.9.{number}.1");
        netns.Ip($"-6 route add default via fd00:9:{number}::1");
    }

    private void Join(Netns netns, string host, int number) => Join(netns, host, "eth0", number, _host);

    private Socket Talk(string address, int port = Service) => _client.Run(() =>
    {
        IPEndPoint target = new(IPAddress.Parse(address), port);
        Socket socket = new(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 1000 };
        socket.Connect(target);
        return socket;
    });

    private Socket Connect(string address, int port) => _client.Run(() =>
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(new IPEndPoint(IPAddress.Parse(address), port));
        return socket;
    });

    private PublishedPort Publish(string address, string container)
    {
        PublishedPort port = new(IPAddress.Parse(address), Service, PortProtocol.Udp, IPAddress.Parse(container), Service);
        _store.Add([PolicyElements.Published(port, container)], [], [port]);
        return port;
    }

    private int Flush(PublishedPort port) => _host.Run(() => ConntrackFlush.Run(NetlinkSocket.Kernel, [port]));

    /// <summary>The UDP connections of the host to our ports, a line each.</summary>
    private string Tracked(bool v6)
    {
        string[] lines = _host.Exec("/usr/sbin/conntrack", "-L", "-p", "udp", "-f", v6 ? "ipv6" : "ipv4").Output.Split('\n');
        return string.Join('\n', lines.Where(static l => l.Contains($"dport={Service}", StringComparison.Ordinal)
            || l.Contains($"dport={Service + 1}", StringComparison.Ordinal)));
    }
}
