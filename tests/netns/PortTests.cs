using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Who reaches a published port, judged by real packets.</summary>
public sealed class PortTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;
    private readonly Container _stranger;

    public PortTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
        _stranger = _host.Container("stranger");
    }

    public static TheoryData<string, string, bool> Protocols
    {
        get
        {
            TheoryData<string, string, bool> rows = [];
            foreach (string protocol in new[] { "tcp", "udp", "sctp" })
            {
                foreach (string hostIp in new[] { "", "127.0.0.1", TestHost.Address4, "0.0.0.0", TestHost.Address6, "::" })
                {
                    rows.Add(protocol, hostIp, false);
                    rows.Add(protocol, hostIp, true);
                }
            }

            return rows;
        }
    }

    public void Dispose() => _host.Dispose();

    /// <summary>Each publication, tried from everywhere, with bridged packets through the IP hooks and without.</summary>
    [Theory, MemberData(nameof(Protocols))]
    public void Who_reaches_a_published_port(string protocol, string hostIp, bool bridgeNetfilter)
    {
        if (protocol == "sctp")
        {
            Kernel.RequireSctp();
        }

        _host.SetBridgeNetfilter(bridgeNetfilter);
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");
        _container.Add("bridge", network, BridgeNet.Ports(BridgeNet.Port(8080, 80, protocol, hostIp)));
        _neighbour.Add("bridge", network);
        _stranger.Add("bridge", BridgeNet.Of("10.2.0.0/24 fd00:2::/64", name: "net2", bridge: "br2"));
        using EchoServer server4 = Serve(protocol, _container.Netns, 80, "0.0.0.0");
        using EchoServer server6 = Serve(protocol, _container.Netns, 80, "::");

        bool on4 = hostIp is TestHost.Address4 or "0.0.0.0";
        bool on6 = hostIp is TestHost.Address6 or "::";
        foreach (Netns from in new[] { _host.Netns, _container.Netns, _neighbour.Netns, _stranger.Netns, _host.Lan })
        {
            Expect(protocol, from, TestHost.Address4, on4);
            Expect(protocol, from, TestHost.Address6, on6);
        }

        Expect(protocol, _host.Netns, "127.0.0.1", hostIp is "" or "127.0.0.1" or "0.0.0.0");
        Expect(protocol, _host.Netns, "127.0.0.2", hostIp is "0.0.0.0");
        foreach (Netns from in new[] { _container.Netns, _neighbour.Netns, _stranger.Netns, _host.Lan })
        {
            Expect(protocol, from, "127.0.0.1", false);
        }

        _container.Delete("bridge", network);
        Expect(protocol, _host.Netns, on6 ? TestHost.Address6 : hostIp.Length > 0 && on4 ? TestHost.Address4 : "127.0.0.1", false);
        Expect(protocol, _host.Lan, on6 ? TestHost.Address6 : TestHost.Address4, false);
    }

    /// <summary>
    /// Somebody who routes loopback addresses to the host gets neither to a port published there nor to a service of the host. The sender's own kernel lets
    /// it out, as with route_localnet on and no loopback of its own.
    /// </summary>
    [Theory]
    [InlineData("socket", "0", false)]
    [InlineData("socket", "0", true)]
    [InlineData("nat", "1", false)]
    [InlineData("nat", "1", true)]
    public void Loopback_of_the_host_is_out_of_reach(string loopback, string routeLocalnet, bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        _host.SetConfiguration($$$"""{"publish":{"loopback":"{{{loopback}}}"}}""");
        string network = BridgeNet.Of();
        _container.Add("bridge", network, BridgeNet.Ports(BridgeNet.Port(8080, 80), BridgeNet.Port(8080, 80, "udp")));
        _neighbour.Add("bridge", network);
        _stranger.Add("bridge", BridgeNet.Of("10.2.0.0/24", name: "net2", bridge: "br2"), BridgeNet.Ports(BridgeNet.Port(8081, 80)));
        using TcpEcho server = new(_container.Netns, 80);
        using UdpEcho datagrams = new(_container.Netns, 80);
        using TcpEcho service = new(_host.Netns, 9000, "127.0.0.1");
        using UdpEcho datagramService = new(_host.Netns, 9000, "127.0.0.1");
        using TcpEcho everywhere = new(_host.Netns, 9001);
        Assert.Equal(routeLocalnet, _host.Netns.FindSysctl("net/ipv4/conf/br1/route_localnet"));

        foreach ((Netns from, string gateway) in new[]
        {
            (_host.Lan, TestHost.Address4), (_neighbour.Netns, "10.1.0.1"), (_container.Netns, "10.1.0.1"), (_stranger.Netns, "10.2.0.1"),
        })
        {
            from.Ip("address flush dev lo");
            from.SetSysctl("net/ipv4/conf/all/route_localnet", "1");
            from.SetSysctl("net/ipv4/conf/eth0/route_localnet", "1");
            from.Ip($"route add 127.0.0.0/8 via {gateway}");
            from.Ip($"route add 127.0.0.1/32 via {gateway}");

            foreach (string address in new[] { "127.0.0.1", "127.0.0.2" })
            {
                foreach (int port in new[] { 8080, 8081, 9000, 9001 })
                {
                    Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(from, address, port).Outcome);
                }

                Assert.NotEqual(ReachOutcome.Answered, Reach.Udp(from, address, 8080).Outcome);
                Assert.NotEqual(ReachOutcome.Answered, Reach.Udp(from, address, 9000).Outcome);
            }
        }

        // They did leave: what was looked at is the host's refusal, not the sender's.
        Assert.True(DroppedOnTheHost(_host.Lan), "the neighbour's packet never came to the host");
        Assert.Equal("host", Reach.Tcp(_host.Netns, "127.0.0.1", 9000).Server);
        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        Assert.Equal("host", Reach.Tcp(_neighbour.Netns, "10.1.0.1", 9001).Server);
    }

    [Fact]
    public void PM_18_W36_the_container_sees_the_senders_address_where_the_way_back_allows_it()
    {
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");
        _container.Add("bridge", network, BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"), BridgeNet.Port(8080, 80, hostIp: "::")));
        _neighbour.Add("bridge", network);
        string stranger = _stranger.Add("bridge", BridgeNet.Of("10.2.0.0/24", name: "net2", bridge: "br2")).Address();
        using TcpEcho server4 = new(_container.Netns, 80);
        using TcpEcho server6 = new(_container.Netns, 80, "::");

        Assert.Equal($"answered by web (saw {TestHost.LanAddress4})", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).ToString());
        Assert.Equal($"answered by web (saw {TestHost.LanAddress6})", Reach.Tcp(_host.Lan, TestHost.Address6, 8080).ToString());
        Assert.Equal("answered by web (saw 10.1.0.1)", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).ToString());
        Assert.Equal("answered by web (saw 10.1.0.1)", Reach.Tcp(_neighbour.Netns, TestHost.Address4, 8080).ToString());
        Assert.Equal("answered by web (saw fd00:1::1)", Reach.Tcp(_neighbour.Netns, TestHost.Address6, 8080).ToString());
        Assert.Equal("answered by web (saw 10.1.0.1)", Reach.Tcp(_container.Netns, TestHost.Address4, 8080).ToString());

        // Its own masquerade comes first: a container of another network is seen by the address it leaves by.
        Reach other = Reach.Tcp(_stranger.Netns, TestHost.Address4, 8080);
        Assert.True(other.SeenSource is "10.1.0.1" || other.SeenSource == stranger, other.ToString());
    }

    /// <summary>W15: a port number published here means nothing to packets for others.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Transit_traffic_to_the_same_port_number_is_untouched(bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");
        _container.Add("bridge", network, BridgeNet.Ports(
            BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"), BridgeNet.Port(8080, 80, hostIp: "::"), BridgeNet.Port(8080, 80, "udp", "0.0.0.0")));
        string neighbour = _neighbour.Add("bridge", network).Address();
        string stranger = _stranger.Add("bridge", BridgeNet.Of("10.2.0.0/24", name: "net2", bridge: "br2")).Address();
        using TcpEcho web = new(_container.Netns, 80);
        using TcpEcho outside4 = new(_host.Lan, 8080);
        using TcpEcho outside6 = new(_host.Lan, 8080, "::");
        using UdpEcho outsideDatagrams = new(_host.Lan, 8080);
        using TcpEcho inside = new(_neighbour.Netns, 8080);
        using TcpEcho other = new(_stranger.Netns, 8080);
        _host.Lan.Ip($"route add 10.0.0.0/8 via {TestHost.Address4}");

        Assert.Equal("lan", Reach.Tcp(_container.Netns, TestHost.LanAddress4, 8080).Server);
        Assert.Equal("lan", Reach.Tcp(_neighbour.Netns, TestHost.LanAddress6, 8080).Server);
        Assert.Equal("lan", Reach.Udp(_neighbour.Netns, TestHost.LanAddress4, 8080).Server);
        Assert.Equal("lan", Reach.Tcp(_host.Netns, TestHost.LanAddress4, 8080).Server);
        Assert.Equal("neighbour", Reach.Tcp(_container.Netns, neighbour, 8080).Server);
        Assert.Equal("neighbour", Reach.Tcp(_host.Netns, neighbour, 8080).Server);
        Assert.Equal("stranger", Reach.Tcp(_host.Lan, stranger, 8080).Server);
        Assert.Equal("stranger", Reach.Tcp(_container.Netns, stranger, 8080).Server);
    }

    /// <summary>A client that goes on sending from one port reaches the new container, not the old one's address.</summary>
    [Theory]
    [InlineData("0.0.0.0", TestHost.Address4)]
    [InlineData("0.0.0.0", "127.0.0.2")]
    [InlineData(TestHost.Address4, TestHost.Address4)]
    [InlineData("::", TestHost.Address6)]
    public void PM_19_udp_reaches_the_next_container_at_once(string hostIp, string target)
    {
        bool v6 = target.Contains(':', StringComparison.Ordinal);
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");
        CniOptions options = BridgeNet.Ports(BridgeNet.Port(5353, 53, "udp", hostIp));
        using UdpClient client = new(target.StartsWith("127.", StringComparison.Ordinal) ? _host.Netns : _host.Lan, target, 5353);
        Assert.Equal("", client.Ask());   // before anybody publishes it: that too leaves an entry
        _container.Add("bridge", network, options);
        using UdpEcho first = new(_container.Netns, 53, v6 ? "::" : "0.0.0.0");

        Assert.Equal("web", client.Ask());
        _container.Delete("bridge", network);
        Assert.Equal("", client.Ask());
        _neighbour.Add("bridge", network, options);
        using UdpEcho second = new(_neighbour.Netns, 53, v6 ? "::" : "0.0.0.0");

        Assert.Equal("neighbour", client.Ask());
    }

    private static EchoServer Serve(string protocol, Netns netns, int port, string address) => protocol switch
    {
        "tcp" => new TcpEcho(netns, port, address),
        "udp" => new UdpEcho(netns, port, address),
        _ => new SctpEcho(netns, port, address),
    };

    private static void Expect(string protocol, Netns from, string address, bool reached)
    {
        Reach reach = protocol switch
        {
            "tcp" => Reach.Tcp(from, address, 8080),
            "udp" => Reach.Udp(from, address, 8080),
            _ => Reach.Sctp(from, address, 8080),
        };
        Assert.True(reach.Server == (reached ? "web" : ""), $"from {from.Name} to {address}: {reach}");
    }

    /// <summary>Whether a packet for 127.0.0.1 arrives at the host's uplink: counted before our guard.</summary>
    private bool DroppedOnTheHost(Netns from)
    {
        _host.Netns.NftScript(
            "table ip probe { chain c { type filter hook prerouting priority -400; ip daddr 127.0.0.1 iifname uplink counter; }; }");
        Reach.Tcp(from, "127.0.0.1", 8080);
        return !_host.Netns.Exec("/usr/sbin/nft", "list", "table", "ip", "probe").Output.Contains("packets 0 ", StringComparison.Ordinal);
    }
}
