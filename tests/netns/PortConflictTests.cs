using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Which publications are refused, how that is said, and that nothing is changed by it.</summary>
public sealed class PortConflictTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _second;

    public PortConflictTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
        _second = _host.Container("second");
    }

    public static TheoryData<string, int, string> BadMappings => new()
    {
        { """{"hostPort":8080}""", 7, "portMappings[0].containerPort" },
        { """{"hostPort":8080,"containerPort":80,"hostIP":["127.0.0.1","localhost"]}""", 7, "portMappings[0].hostIP" },
        { """{"hostPort":8080,"containerPort":80,"hostIP":["127.0.0.1",""]}""", 7, "portMappings[0].hostIP" },
        { """{"hostPort":8080,"containerPort":80,"hostIP":["127.0.0.1","2001:db8:1::1"]}""", 7, "no address of that family" },
        { "\"\"", 7, "portMappings[0]" },
        { "\"8000-8002:80-81\"", 7, "portMappings[0]" },
        { "\"::1:8080:80\"", 7, "brackets" },
        { "\"[2001:db8:1::1]::80\"", 7, "no address of that family" },
        { "\"8080:80\",\"8080:81\"", 7, "asked for twice" },
        { """{"hostPort":65536,"containerPort":80}""", 7, "portMappings[0].hostPort" },
        { """{"hostPort":-1,"containerPort":80}""", 7, "portMappings[0].hostPort" },
        { """{"hostPort":8080,"containerPort":70000}""", 7, "portMappings[0].containerPort" },
        { """{"hostPort":"8080","containerPort":80}""", 6, "portMappings[0].hostPort" },
        { """{"hostPort":8080.5,"containerPort":80}""", 6, "portMappings[0].hostPort" },
        { """{"hostPort":8080,"containerPort":80,"protocol":"icmp"}""", 7, "portMappings[0].protocol" },
        { """{"hostPort":8080,"containerPort":80,"protocol":6}""", 6, "portMappings[0].protocol" },
        { """{"hostPort":8080,"containerPort":80,"hostIP":"localhost"}""", 7, "portMappings[0].hostIP" },
        { """{"hostPort":8080,"containerPort":80,"hostIP":"127.0.0.1/8"}""", 7, "portMappings[0].hostIP" },
        { """{"hostPort":8080,"containerPort":80,"hostIP":"127.1"}""", 7, "portMappings[0].hostIP" },
        { """{"hostPort":8080,"containerPort":80,"hostIP":"fe80::1%uplink"}""", 7, "portMappings[0].hostIP" },
        { """{"hostPort":8080,"containerPort":80,"hostIP":"2001:db8:1::1"}""", 7, "no address of that family" },
        { """{"hostPort":8080,"containerPort":80},{"hostPort":8081,"containerPort":0}""", 7, "portMappings[1].containerPort" },
        { """{"hostPort":8080,"containerPort":80},{"hostPort":8080,"containerPort":81}""", 0, "8080" },
        { "7", 6, "portMappings[0]" },
    };

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(BadMappings))]
    public void W37_bad_mappings_are_refused_with_their_place(string mapping, int code, string named)
    {
        World before = BridgeNet.World(_host);

        CniCall add = _container.TryAdd("bridge", BridgeNet.Of(), BridgeNet.Ports(mapping));

        Assert.False(add.Succeeded, add.ToString());
        Assert.True(code == 0 || code == add.ErrorCode, add.ToString());
        Assert.Contains(named, add.Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("", "127.0.0.1")]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("127.0.0.1", "0.0.0.0")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("0.0.0.0", TestHost.Address4)]
    [InlineData(TestHost.Address4, "0.0.0.0")]
    [InlineData("::", TestHost.Address6)]
    [InlineData(TestHost.Address6, "::")]
    [InlineData(TestHost.Address6, TestHost.Address6)]
    public void W18_a_port_is_published_once_and_its_owner_is_named(string first, string second)
    {
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");
        string other = BridgeNet.Of("10.2.0.0/24 fd00:2::/64", name: "net2", bridge: "br2");
        _container.Add("bridge", network, BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: first)));
        World before = BridgeNet.World(_host);

        CniCall add = _second.TryAdd("bridge", other, BridgeNet.Ports(BridgeNet.Port(8079, 80), BridgeNet.Port(8080, 80, hostIp: second))).RequireError(11);

        Assert.Contains("8080", add.Message, StringComparison.Ordinal);
        Assert.Contains($"net1/{_container.Id}/eth0", add.Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
        _container.Delete("bridge", network);
        _second.Add("bridge", other, BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: second)));
    }

    [Fact]
    public void The_same_number_on_another_protocol_address_or_family_is_another_port()
    {
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");
        _container.Add("bridge", network, BridgeNet.Ports(BridgeNet.Port(8080, 80)));

        _second.Add("bridge", network, BridgeNet.Ports(
            BridgeNet.Port(8080, 80, "udp"), BridgeNet.Port(8080, 80, hostIp: TestHost.Address4), BridgeNet.Port(8080, 80, hostIp: TestHost.Address6)));
        using TcpEcho first4 = new(_container.Netns, 80);
        using TcpEcho second4 = new(_second.Netns, 80);
        using TcpEcho second6 = new(_second.Netns, 80, "::");

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        Assert.Equal("second", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        Assert.Equal("second", Reach.Tcp(_host.Lan, TestHost.Address6, 8080).Server);
    }

    [Theory]
    [InlineData("tcp", "0.0.0.0", "", true)]
    [InlineData("tcp", "127.0.0.1", "", true)]
    [InlineData("tcp", "127.0.0.1", "0.0.0.0", true)]
    [InlineData("tcp", TestHost.Address4, "", false)]
    [InlineData("tcp", TestHost.Address4, "0.0.0.0", true)]
    [InlineData("tcp", "0.0.0.0", TestHost.Address4, true)]
    [InlineData("tcp", "::", "", true)]
    [InlineData("tcp", "::1", "", true)]
    [InlineData("tcp", "::1", "127.0.0.1", false)]
    [InlineData("tcp", "::", "::", true)]
    [InlineData("tcp", TestHost.Address6, "::", true)]
    [InlineData("tcp", TestHost.Address6, TestHost.Address6, true)]
    [InlineData("udp", "0.0.0.0", "", true)]
    [InlineData("udp", "127.0.0.1", "0.0.0.0", true)]
    [InlineData("udp", "::", "::", true)]
    [InlineData("udp", TestHost.Address4, "", false)]
    public void A_port_that_a_process_of_the_host_has(string protocol, string listener, string hostIp, bool refused)
    {
        using EchoServer server = protocol == "tcp" ? new TcpEcho(_host.Netns, 8080, listener) : new UdpEcho(_host.Netns, 8080, listener);
        World before = BridgeNet.World(_host);

        CniCall add = _container.TryAdd(
            "bridge", BridgeNet.Of("10.1.0.0/24 fd00:1::/64"), BridgeNet.Ports(BridgeNet.Port(8080, 80, protocol, hostIp)));

        if (!refused)
        {
            add.RequireSuccess();
            return;
        }

        Assert.Contains("8080", add.RequireError(11).Message, StringComparison.Ordinal);
        Assert.Contains($"(pid {Environment.ProcessId})", add.Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void Connections_that_are_closing_are_not_in_the_way()
    {
        using (TcpEcho service = new(_host.Netns, 8080, "127.0.0.1"))
        {
            Assert.Equal("host", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        }

        _container.Add("bridge", BridgeNet.Of(), BridgeNet.Ports(BridgeNet.Port(8080, 80)));
    }

    [Theory]
    [InlineData("network", "\"0.0.0.0\"", true, false, true)]
    [InlineData("network", "[\"0.0.0.0\",\"::\"]", true, true, true)]
    [InlineData("network", "[\"127.0.0.1\",\"2001:db8:1::1\"]", false, true, true)]
    [InlineData("network", "\"192.0.2.1\"", true, false, false)]
    [InlineData("file", "\"0.0.0.0\"", true, false, true)]
    [InlineData("file", "[\"0.0.0.0\",\"::\"]", true, true, true)]
    public void The_default_host_address_is_moved(string where, string value, bool lan4, bool lan6, bool loopback)
    {
        string publish = $$$"""{"publish":{"defaultHostIP":{{{value}}}}}""";
        if (where == "file")
        {
            _host.SetConfiguration(publish);
        }

        _container.Add(
            "bridge", BridgeNet.Of("10.1.0.0/24 fd00:1::/64", where == "file" ? "{}" : publish), BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        using TcpEcho server4 = new(_container.Netns, 80);
        using TcpEcho server6 = new(_container.Netns, 80, "::");

        Assert.Equal(lan4 ? "web" : "", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        Assert.Equal(lan6 ? "web" : "", Reach.Tcp(_host.Lan, TestHost.Address6, 8080).Server);
        Assert.Equal(loopback ? "web" : "", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
    }

    [Fact]
    public void The_networks_word_counts_more_than_the_hosts()
    {
        _host.SetConfiguration("""{"publish":{"defaultHostIP":"0.0.0.0"}}""");

        _container.Add("bridge", BridgeNet.Of(extra: """{"publish":{"defaultHostIP":"127.0.0.1"}}"""), BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        using TcpEcho server = new(_container.Netns, 80);

        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Outcome);
    }

    [Fact]
    public void Keys_as_containerd_sends_them()
    {
        _container.Add("bridge", BridgeNet.Of(), new CniOptions
        {
            RuntimeConfig = """{"PortMappings":[{"HostPort":8080,"ContainerPort":80,"Protocol":"TCP","HostIP":""}],"dns":{"Servers":null}}""",
        });
        using TcpEcho server = new(_container.Netns, 80);

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
    }

    [Fact]
    public void Rules_that_are_gone_come_back_with_the_first_port()
    {
        Container first = _host.Container("first");
        first.Add("bridge", BridgeNet.With(BridgeNet.Of(), """{"ipMasq":true}"""));
        World before = BridgeNet.World(_host);
        _host.Netns.Exec("/usr/sbin/nft", "flush", "table", "inet", "cni_plugins");

        _container.Add("bridge", BridgeNet.Of(), BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        using TcpEcho server = new(_container.Netns, 80);

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        _container.Delete("bridge", BridgeNet.Of());
        BridgeNet.World(_host).Except("route_localnet", "bridges/br1/").AssertEqual(before.Except("route_localnet", "bridges/br1/"));
    }

    [Fact]
    public void Two_hundred_ports_in_one_add()
    {
        World before = BridgeNet.World(_host);
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");
        string[] ports = [.. Enumerable.Range(20000, 200).Select(static n => BridgeNet.Port(n, n - 10000, n % 2 == 0 ? "tcp" : "udp", n % 3 == 0 ? "0.0.0.0" : ""))];

        _container.Add("bridge", network, BridgeNet.Ports(ports));

        using TcpEcho server = new(_container.Netns, 10198);
        using UdpEcho datagrams = new(_container.Netns, 10199);
        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 20198).Server);
        Assert.Equal("web", Reach.Udp(_host.Netns, "127.0.0.1", 20199).Server);
        Assert.Equal(200, BridgeNet.Elements(_host, "published4").Count + BridgeNet.Elements(_host, "published_any4").Count);
        _container.Check("bridge", network, BridgeNet.Ports(ports));
        _container.Delete("bridge", network);
        BridgeNet.World(_host).AssertEqual(before);
    }
}
