using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Ports in the operator's form, and ports of the host that are chosen, judged by real packets.</summary>
public sealed class PortFormTests : IDisposable
{
    private static readonly string s_network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _second;

    public PortFormTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
        _second = _host.Container("second");
    }

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("8080:80", "127.0.0.1", 8080, 80)]
    [InlineData("127.0.0.1:8080:80", "127.0.0.1", 8080, 80)]
    [InlineData("192.0.2.1:8080:80", TestHost.Address4, 8080, 80)]
    [InlineData("0.0.0.0:8080:80", TestHost.Address4, 8080, 80)]
    [InlineData("[2001:db8:1::1]:8080:80/tcp", TestHost.Address6, 8080, 80)]
    [InlineData("[::]:8080:80", TestHost.Address6, 8080, 80)]
    [InlineData("8000-8010:8000-8010", "127.0.0.1", 8007, 8007)]
    [InlineData("8000-8010:80-90", "127.0.0.1", 8003, 83)]
    public void What_is_written_is_reached(string form, string address, int port, int containerPort)
    {
        World before = BridgeNet.World(_host);
        CniCall add = _container.Add("bridge", s_network, BridgeNet.PortForms(form));
        using TcpEcho server = new(_container.Netns, containerPort, address.Contains(':', StringComparison.Ordinal) ? "::" : "0.0.0.0");

        Assert.Equal("web", Reach.Tcp(_host.Netns, address, port).Server);
        Assert.Null(add.Result.Find("publishedPorts"));
        _container.Check("bridge", s_network, BridgeNet.PortForms(form));
        _container.Delete("bridge", s_network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void Datagrams_as_well()
    {
        _container.Add("bridge", s_network, BridgeNet.PortForms("192.0.2.1:5353:53/udp"));
        using UdpEcho server = new(_container.Netns, 53);

        Assert.Equal("web", Reach.Udp(_host.Lan, TestHost.Address4, 5353).Server);
    }

    [Fact]
    public void One_mapping_has_several_addresses()
    {
        _container.Add("bridge", s_network, BridgeNet.Ports(
            $$"""{"hostPort":8080,"containerPort":80,"hostIP":["127.0.0.1","{{TestHost.Address4}}","{{TestHost.Address6}}","127.0.0.1"]}"""));
        using TcpEcho server4 = new(_container.Netns, 80);
        using TcpEcho server6 = new(_container.Netns, 80, "::");

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address6, 8080).Server);
    }

    /// <summary>What is chosen is in the result of every version, and is one number for all addresses.</summary>
    [Theory]
    [InlineData("0.3.1")]
    [InlineData("0.4.0")]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void A_free_port_is_chosen_and_told(string version)
    {
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", version: version);
        CniOptions options = BridgeNet.Ports(
            """{"containerPort":80,"hostIP":["0.0.0.0","::"]}""", """{"hostPort":0,"containerPort":81}""", "\"8080:82\"", "\"127.0.0.1::83/udp\"");
        CniCall add = _container.Add("bridge", network, options);
        using TcpEcho server4 = new(_container.Netns, 80);
        using TcpEcho server6 = new(_container.Netns, 80, "::");

        List<Told> told = ToldBy(add);

        Assert.Equal(
            ["0.0.0.0->10.1.0.2:80/tcp", "127.0.0.1->10.1.0.2:81/tcp", "127.0.0.1->10.1.0.2:82/tcp", "127.0.0.1->10.1.0.2:83/udp",
                "::->fd00:1::2:80/tcp", "::1->fd00:1::2:81/tcp", "::1->fd00:1::2:82/tcp"],
            told.Select(static t => $"{t.HostIp}->{t.Container}/{t.Protocol}").Order(StringComparer.Ordinal));
        int port = told.Single(static t => t.HostIp == "::").HostPort;
        Assert.Equal(port, told.Single(static t => t.HostIp == "0.0.0.0").HostPort);
        Assert.InRange(port, 32768, 60999);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, port).Server);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address6, port).Server);
        if (version != "0.3.1")
        {
            _container.Check("bridge", network, options);
        }

        _container.Delete("bridge", network, options);
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host.Lan, TestHost.Address4, port).Outcome);
    }

    [Fact]
    public void Portmap_tells_what_it_chose()
    {
        CniCall add = _container.AddList(
            """{"cniVersion":"1.0.0","name":"net1","plugins":[{"type":"bridge","bridge":"br1","isDefaultGateway":true,"ipMasq":true,"ipam":{"type":"host-local","subnet":"10.1.0.0/24"}},{"type":"portmap","capabilities":{"portMappings":true}}]}""",
            BridgeNet.PortForms("0.0.0.0::80"));
        using TcpEcho server = new(_container.Netns, 80);

        Assert.Equal("web", Reach.Tcp(_host.Netns, TestHost.Address4, Assert.Single(ToldBy(add)).HostPort).Server);
    }

    /// <summary>Nothing that somebody has, nothing that is reserved, and never one twice.</summary>
    [Fact]
    public void What_is_chosen_is_free()
    {
        _host.Netns.SetSysctl("net/ipv4/ip_local_port_range", "40000 40009");
        _host.Netns.SetSysctl("net/ipv4/ip_local_reserved_ports", "40003,40005-40006");
        _second.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(40001, 80, hostIp: "0.0.0.0"), BridgeNet.Port(40002, 80, "udp")));
        using TcpEcho process = new(_host.Netns, 40007, "127.0.0.1");

        CniCall add = _container.Add("bridge", s_network, BridgeNet.PortForms("80-83", "40000:90"));

        // 40001 and 40003, 40005 to 40007 are not to be had, 40002 over UDP only.
        Assert.Equal([40000, 40002, 40004, 40008, 40009], ToldBy(add).Select(static t => t.HostPort).Distinct().Order());
    }

    /// <summary>What could only seem to be published, or is no address of one host.</summary>
    [Theory]
    [InlineData("\"8080:80\"", "\"0.0.0.0:8080:81\"")]
    [InlineData("\"0.0.0.0:8080:81\"", "\"127.0.0.1:8080:80\"")]
    [InlineData("\"224.0.0.1:8080:80\"", "\"8081:81\"")]
    [InlineData("\"255.255.255.255:8080:80\"", "\"8081:81\"")]
    [InlineData("\"[ff02::1]:8080:80\"", "\"8081:81\"")]
    [InlineData("\"8080\\u0000:80\"", "\"8081:81\"")]
    public void What_makes_no_sense_is_refused_and_nothing_is_made(string one, string other)
    {
        World before = BridgeNet.World(_host);

        _container.TryAdd("bridge", s_network, BridgeNet.Ports(one, other)).RequireError(7);

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void When_none_is_free_nothing_is_made()
    {
        _host.Netns.SetSysctl("net/ipv4/ip_local_port_range", "40000 40004");
        using TcpEcho process = new(_host.Netns, 40002, "127.0.0.1");
        World before = BridgeNet.World(_host);

        Assert.Contains(
            "ip_local_port_range", _container.TryAdd("bridge", s_network, BridgeNet.PortForms("80-84")).RequireError(11).Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
        _container.Add("bridge", s_network, BridgeNet.PortForms("80-83"));
    }

    [Fact]
    public void The_first_free_one_of_a_range_is_taken()
    {
        using TcpEcho process = new(_host.Netns, 8001, "127.0.0.1");

        Assert.Equal([8000], ToldBy(_container.Add("bridge", s_network, BridgeNet.PortForms("8000-8002:80"))).Select(static t => t.HostPort).Distinct());
        Assert.Equal([8002], ToldBy(_second.Add("bridge", s_network, BridgeNet.PortForms("8000-8002:80"))).Select(static t => t.HostPort).Distinct());
        Container third = _host.Container("third");
        CniCall add = third.TryAdd("bridge", s_network, BridgeNet.PortForms("8000-8002:80")).RequireError(11);
        Assert.Contains("from 8000 to 8002", add.Message, StringComparison.Ordinal);

        // Another address, another port; and a range of one's own next to a port of one's own.
        Assert.Equal(
            [8000, 8001],
            ToldBy(third.Add("bridge", s_network, BridgeNet.PortForms("192.0.2.1:8000:80", "192.0.2.1:8000-8002:81"))).Select(static t => t.HostPort));
    }

    /// <summary>An ADD that was killed, and one that is repeated for a new sandbox of the same name.</summary>
    [Fact]
    public void Add_again_leaves_nothing_of_the_first()
    {
        int first = ToldBy(_container.Add("bridge", s_network, BridgeNet.PortForms("0.0.0.0::80")))[0].HostPort;
        _container.Netns.Ip("link delete eth0");
        string record = Directory.GetFiles(Path.Combine(_host.StateDirectory, "attachments/net1"))[0];
        File.WriteAllText(record, File.ReadAllText(record).Replace("\"complete\": true", "\"complete\": false", StringComparison.Ordinal));

        int second = ToldBy(_container.Add("bridge", s_network, BridgeNet.PortForms("0.0.0.0::80")))[0].HostPort;
        using TcpEcho server = new(_container.Netns, 80);

        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, second).Server);
        Assert.True(first == second || Reach.Tcp(_host.Lan, TestHost.Address4, first).Outcome != ReachOutcome.Answered);
    }

    /// <summary>Many at once, from a range that hardly has as many: whoever loses a port chooses another.</summary>
    [Fact]
    public void Concurrent_choices_never_meet()
    {
        _host.Netns.SetSysctl("net/ipv4/ip_local_port_range", "40000 40019");
        Container[] containers = [.. Enumerable.Range(0, 6).Select(i => _host.Container($"c{i}"))];
        CniCall[] calls = new CniCall[containers.Length];

        Parallel.For(0, containers.Length, i => calls[i] = containers[i].Add("bridge", s_network, BridgeNet.PortForms("80-82")));

        List<int> ports = [.. calls.SelectMany(ToldBy).Select(static t => t.HostPort)];
        Assert.Equal(18, ports.Distinct().Count());
    }

    private static List<Told> ToldBy(CniCall add) => [.. (add.Result.Find("publishedPorts") ?? throw new InvalidOperationException(add.ToString())).EnumerateArray()
        .Select(static p => new Told(p.Text("hostIP")!, p.GetProperty("hostPort").GetInt32(), $"{p.Text("containerIP")}:{p.GetProperty("containerPort")}", p.Text("protocol")!))];

    private sealed record Told(string HostIp, int HostPort, string Container, string Protocol);
}
