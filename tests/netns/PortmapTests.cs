using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>portmap as a plugin of its own behind another, as every conflist in the wild has it.</summary>
public sealed class PortmapTests : IDisposable
{
    private const string Interface = """[{"name":"eth0","sandbox":"/x"}]""";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;

    public PortmapTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void PM_01_without_mappings_the_result_passes_through_and_nothing_is_made()
    {
        World before = BridgeNet.World(_host);
        CniOptions previous = Previous("10.1.0.9/24");

        CniCall add = _container.Add("portmap", Portmap(), previous);

        Assert.Equal("10.1.0.9/24", add.Addresses.Single());
        BridgeNet.World(_host).AssertEqual(before);
        _container.Add("portmap", Portmap(), previous with { RuntimeConfig = """{"portMappings":[]}""" });
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void Without_a_result_before_it_there_is_nothing_to_publish() =>
        Assert.Contains("prevResult", _container.TryAdd("portmap", Portmap(), BridgeNet.Ports(BridgeNet.Port(8080, 80))).RequireError(7).Message, StringComparison.Ordinal);

    /// <summary>W37: the reference drops the last two silently.</summary>
    [Theory]
    [InlineData("""{"hostPort":0,"containerPort":80}""")]
    [InlineData("""{"hostPort":8080}""")]
    [InlineData("""{"hostPort":8080,"containerPort":-1}""")]
    [InlineData("""{"hostPort":8080,"containerPort":80,"protocol":"icmp"}""")]
    [InlineData("""{"hostPort":8080,"containerPort":80,"hostIP":"nowhere"}""")]
    [InlineData("""{"hostPort":70000,"containerPort":80}""")]
    public void PM_02_invalid_mappings(string mapping)
    {
        World before = BridgeNet.World(_host);

        _container.TryAdd("portmap", Portmap(), Previous("10.1.0.9/24") with { RuntimeConfig = $$"""{"portMappings":[{{mapping}}]}""" }).RequireError(7);

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"backend":""}""")]
    [InlineData("""{"backend":"iptables"}""")]
    public void PM_03_any_backend_of_the_reference_is_served(string extra) => PublishesAndCleansUp(extra);

    [Theory]
    [InlineData("""{"backend":"nftables"}""")]
    [InlineData("""{"snat":false}""")]
    public void PM_04_nft_is_asked_for(string extra) => PublishesAndCleansUp(extra);

    /// <summary>W17: the reference has one rule for the conditions of all networks, and the last ADD writes it.</summary>
    [Theory]
    [InlineData("""["ip","saddr","192.0.2.0/24"]""", true, false)]
    [InlineData("""["ip saddr != 192.0.2.2"]""", false, true)]
    [InlineData("""["!","-s","192.0.2.0/24"]""", false, true)]
    [InlineData("""["ip","saddr","!=","{","192.0.2.2,","198.51.100.0/24","}"]""", false, true)]
    [InlineData("""["ip","daddr","192.0.2.1"]""", true, false)]
    [InlineData("""["-d","127.0.0.0/8"]""", false, true)]
    [InlineData("""["ip","saddr","192.0.2.0/24","ip","daddr","!=","192.0.2.1"]""", false, false)]
    public void PM_05_conditions_hold_for_their_own_network_alone(string conditions, bool fromLan, bool fromLoopback)
    {
        CniOptions options = BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"));
        _container.AddList(List($$"""{"conditionsV4":{{conditions}}}"""), options);
        _neighbour.AddList(List(name: "net2", bridge: "br2", subnet: "10.2.0.0/24"), BridgeNet.Ports(BridgeNet.Port(8081, 80, hostIp: "0.0.0.0")));
        using TcpEcho web = new(_container.Netns, 80);
        using TcpEcho other = new(_neighbour.Netns, 80);

        Assert.Equal(fromLan ? "web" : "", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        Assert.Equal(fromLoopback ? "web" : "", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        Assert.Equal("neighbour", Reach.Tcp(_host.Lan, TestHost.Address4, 8081).Server);
        Assert.Equal("neighbour", Reach.Tcp(_host.Netns, "127.0.0.1", 8081).Server);
    }

    [Theory]
    [InlineData("""{"conditionsV4":["tcp","dport","80"]}""")]
    [InlineData("""{"conditionsV4":["ip","saddr","fd00::/8"]}""")]
    [InlineData("""{"conditionsV6":["ip6","saddr"]}""")]
    [InlineData("""{"conditionsV4":["-i","eth0"]}""")]
    [InlineData("""{"conditionsV4":["ip saddr != 0.0.0.0/0"]}""")]
    public void PM_06_conditions_that_are_not_understood_are_refused_with_a_hint(string extra) =>
        Assert.Contains("conditionsV", _container.TryAdd("portmap", Portmap(extra), Ports("10.1.0.9/24")).RequireError(7).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"externalSetMarkChain":"KUBE-MARK-MASQ"}""", "externalSetMarkChain")]
    [InlineData("""{"markMasqBit":5}""", "markMasqBit")]
    [InlineData("""{"backend":"ebtables"}""", "backend")]
    public void PM_07_what_only_iptables_has_is_refused_with_a_hint(string extra, string named) =>
        Assert.Contains(named, _container.TryAdd("portmap", Portmap(extra), Ports("10.1.0.9/24")).RequireError(7).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData(""","interface":-1""")]
    [InlineData(""","interface":7""")]
    public void PM_08_a_missing_interface_index_is_tolerated(string index)
    {
        _container.Add("bridge", BridgeNet.Of());
        string address = _container.Netns.Ip("-4 -j address show dev eth0")[0].GetProperty("addr_info")[0].Text("local")!;
        using TcpEcho web = new(_container.Netns, 80);

        _container.Add("portmap", Portmap(), BridgeNet.Ports(BridgeNet.Port(8080, 80)) with
        {
            PreviousResult = $$"""{"cniVersion":"1.0.0","interfaces":{{Interface}},"ips":[{"address":"{{address}}/24"{{index}}}]}""",
        });

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
    }

    [Fact]
    public void PM_14_every_form_of_mapping_is_an_element_that_names_its_owner()
    {
        _container.AddList(List(subnet: "10.1.0.0/24 fd00:1::/64"), BridgeNet.Ports(
            BridgeNet.Port(8081, 81), BridgeNet.Port(8082, 82, "udp", TestHost.Address4), BridgeNet.Port(8083, 83, hostIp: TestHost.Address6),
            BridgeNet.Port(8084, 84, hostIp: "0.0.0.0"), BridgeNet.Port(8085, 85, "udp", "::")));

        string owner = $"net1/{_container.Id}/eth0";
        Assert.Equal(2, BridgeNet.Elements(_host, "published4").Count(element => element.Contains(owner, StringComparison.Ordinal)));
        Assert.Equal(2, BridgeNet.Elements(_host, "published6").Count(element => element.Contains(owner, StringComparison.Ordinal)));
        Assert.Single(BridgeNet.Elements(_host, "published_any4"));
        Assert.Single(BridgeNet.Elements(_host, "published_any6"));
        _container.DeleteList(List(), new CniOptions());
        Assert.False(BridgeNet.HasTable(_host));
    }

    [Fact]
    public void PM_13_DEL_may_come_twice_and_at_the_same_time()
    {
        BridgeNet.EnableForwarding(_host);
        World before = BridgeNet.World(_host);
        CniOptions options = BridgeNet.Ports(BridgeNet.Port(8080, 80));
        _container.AddList(List(), options);

        Parallel.For(0, 4, _ => _container.Call("DEL", "portmap", Portmap(), new CniOptions()).RequireSuccess());
        _container.DeleteList(List(), options);
        _container.DeleteList(List(), options);

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void PM_15_CHECK_through_the_life_of_a_mapping()
    {
        CniOptions options = BridgeNet.Ports(BridgeNet.Port(8080, 80));
        CniCall add = _container.AddList(List(), options);
        CniOptions check = options with { PreviousResult = add.Tool.Output };

        _container.Check("portmap", Portmap(), check);
        _host.Netns.NftScript("flush map inet cni_plugins published4");
        Assert.Contains("published4", _container.TryCheck("portmap", Portmap(), check).RequireError(100).Message, StringComparison.Ordinal);
        _neighbour.AddList(List(), BridgeNet.Ports(BridgeNet.Port(8090, 80)));
        _container.TryCheck("portmap", Portmap(), check).RequireError(100);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PM_16_with_masqAll_a_container_sees_the_host(bool masqueradeAll)
    {
        _container.AddList(List($$"""{"masqAll":{{(masqueradeAll ? "true" : "false")}}}""", subnet: "10.1.0.0/24 fd00:1::/64"), BridgeNet.Ports(
            BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"), BridgeNet.Port(8080, 80, hostIp: "::")));
        using TcpEcho web4 = new(_container.Netns, 80);
        using TcpEcho web6 = new(_container.Netns, 80, "::");

        Assert.Equal(masqueradeAll ? "10.1.0.1" : TestHost.LanAddress4, Reach.Tcp(_host.Lan, TestHost.Address4, 8080).SeenSource);
        Assert.Equal(masqueradeAll ? "fd00:1::1" : TestHost.LanAddress6, Reach.Tcp(_host.Lan, TestHost.Address6, 8080).SeenSource);
    }

    /// <summary>W36: the reference's nftables backend gives a neighbour on the bridge an answer from the wrong address, unless br_netfilter is on.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PM_18_from_the_host_from_outside_from_the_container_and_from_a_neighbour(bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string list = List(subnet: "10.1.0.0/24 fd00:1::/64");
        CniOptions options = BridgeNet.Ports(
            BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"), BridgeNet.Port(8080, 80, hostIp: "::"), BridgeNet.Port(8080, 80, "udp", "0.0.0.0"));
        _container.AddList(list, options);
        _neighbour.AddList(list, BridgeNet.Ports());
        using TcpEcho web4 = new(_container.Netns, 80);
        using TcpEcho web6 = new(_container.Netns, 80, "::");
        using UdpEcho datagrams = new(_container.Netns, 80);

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        foreach (Netns from in new[] { _host.Netns, _host.Lan, _container.Netns, _neighbour.Netns })
        {
            Assert.Equal("web", Reach.Tcp(from, TestHost.Address4, 8080).Server);
            Assert.Equal("web", Reach.Tcp(from, TestHost.Address6, 8080).Server);
            Assert.Equal("web", Reach.Udp(from, TestHost.Address4, 8080).Server);
        }

        _container.DeleteList(list, options);
        Assert.NotEqual("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
    }

    /// <summary>The reference publishes on every address; here that is said, in the list or once for the host.</summary>
    [Theory]
    [InlineData("{}", "{}", false)]
    [InlineData("""{"publish":{"defaultHostIP":"0.0.0.0"}}""", "{}", true)]
    [InlineData("{}", """{"publish":{"defaultHostIP":"0.0.0.0"}}""", true)]
    public void A_port_without_an_address_is_for_this_host_unless_it_is_said_otherwise(string extra, string hostWide, bool everywhere)
    {
        _host.SetConfiguration(hostWide);
        _container.AddList(List(extra), BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        using TcpEcho web = new(_container.Netns, 80);

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        Assert.Equal(everywhere ? "web" : "", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
    }

    /// <summary>PM-19, W20: the reference leaves the entry of the old container, and the client talks into the void.</summary>
    [Fact]
    public void PM_19_udp_reaches_the_next_container_at_once()
    {
        CniOptions options = BridgeNet.Ports(BridgeNet.Port(5353, 53, "udp", "0.0.0.0"));
        using UdpClient client = new(_host.Lan, TestHost.Address4, 5353);
        _container.AddList(List(), options);
        using UdpEcho first = new(_container.Netns, 53);
        Assert.Equal("web", client.Ask());
        _container.DeleteList(List(), options);
        Assert.Equal("", client.Ask());
        _neighbour.AddList(List(), options);
        using UdpEcho second = new(_neighbour.Netns, 53);

        Assert.Equal("neighbour", client.Ask());
    }

    /// <summary>W7: the reference's DEL without runtimeConfig removes nothing.</summary>
    [Fact]
    public void W7_DEL_needs_neither_mappings_nor_a_result_nor_a_namespace()
    {
        BridgeNet.EnableForwarding(_host);
        World before = BridgeNet.World(_host);
        _container.AddList(List(), BridgeNet.Ports(BridgeNet.Port(8080, 80), BridgeNet.Port(8080, 80, "udp", "0.0.0.0")));

        _container.DeleteList(List(), new CniOptions { NetnsPath = "", OmitPreviousResult = true });

        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>W8: the reference's nftables backend knows rules by the container's id alone.</summary>
    [Fact]
    public void W8_another_interface_of_the_container_keeps_its_ports()
    {
        CniOptions second = BridgeNet.Ports(BridgeNet.Port(8081, 80, hostIp: "0.0.0.0")) with { InterfaceName = "eth1" };
        string other = List(name: "net2", bridge: "br2", subnet: "10.2.0.0/24");
        _container.AddList(List(), BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: "0.0.0.0")));
        _container.AddList(other, second);
        using TcpEcho web = new(_container.Netns, 80);

        _container.DeleteList(List(), new CniOptions());

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8081).Server);
        Assert.NotEqual("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
    }

    /// <summary>W18: the reference takes both, and the older one wins.</summary>
    [Fact]
    public void W18_a_port_that_is_taken_is_refused_with_its_owner()
    {
        _container.AddList(List(), BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        CniCall add = _neighbour.AddList(List(), BridgeNet.Ports());

        CniCall refused = _neighbour.TryAdd("portmap", Portmap(), BridgeNet.Ports(BridgeNet.Port(8080, 80)) with { PreviousResult = add.Tool.Output });

        Assert.Contains(_container.Id, refused.RequireError(11).Message, StringComparison.Ordinal);
        using TcpEcho web = new(_container.Netns, 80);
        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
    }

    /// <summary>Whoever let 127.0.0.1 be routed on an interface with others behind it would open the host's own services to them.</summary>
    [Fact]
    public void A_container_behind_an_interface_of_the_hosts_own_is_refused_and_route_localnet_stays_off()
    {
        _host.Netns.Ip($"link add lan1 type veth peer name lan2 netns {_host.Lan.Path}");
        string device = SubNet.Of("host-device", """{"device":"lan1","detectDuplicates":false}""");
        CniCall add = _container.Add("host-device", device);

        CniOptions options = BridgeNet.Ports(BridgeNet.Port(8080, 80)) with { PreviousResult = add.Tool.Output };
        Assert.Contains("uplink", _container.TryAdd("portmap", Portmap(), options).RequireError(7).Message, StringComparison.Ordinal);

        Assert.Equal("0", _host.Netns.FindSysctl("net/ipv4/conf/uplink/route_localnet"));
        Assert.False(BridgeNet.HasTable(_host));
    }

    /// <summary>A driver's DEL takes along what was published for its container: portmap may have left the list in the meantime.</summary>
    [Fact]
    public void Ports_go_with_the_interface()
    {
        BridgeNet.EnableForwarding(_host);
        World before = BridgeNet.World(_host);
        _container.AddList(List(), BridgeNet.Ports(BridgeNet.Port(8080, 80)));

        _container.Delete("bridge", BridgeNet.Of());

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void GC_removes_the_ports_of_whoever_is_gone()
    {
        _container.AddList(List(), BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        _neighbour.AddList(List(), BridgeNet.Ports(BridgeNet.Port(8081, 80)));

        _host.Gc("portmap", Portmap("""{"cniVersion":"1.1.0"}"""), (_neighbour.Id, "eth0")).RequireSuccess();

        string element = Assert.Single(BridgeNet.Elements(_host, "published4"));
        Assert.Contains(_neighbour.Id, element, StringComparison.Ordinal);
    }

    /// <summary>Behind the reference's own bridge: the directory was replaced while containers run, or plugins are mixed.</summary>
    [Fact]
    public void Behind_the_references_bridge()
    {
        Reference.Require();
        string bridge = BridgeNet.Of(version: "1.0.0");
        CniCall add = _container.Add("bridge", bridge, Reference.Options);
        CniOptions options = BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: "0.0.0.0")) with { PreviousResult = add.Tool.Output };
        using TcpEcho web = new(_container.Netns, 80);

        _container.Add("portmap", Portmap(), options);

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        Assert.Equal("web", Reach.Tcp(_container.Netns, TestHost.Address4, 8080).Server);
        _container.Delete("portmap", Portmap());
        Assert.False(BridgeNet.HasTable(_host));
        Assert.Equal("0", _host.Netns.FindSysctl("net/ipv4/conf/br1/route_localnet"));
    }

    private void PublishesAndCleansUp(string extra)
    {
        BridgeNet.EnableForwarding(_host);
        World before = BridgeNet.World(_host);
        CniOptions options = BridgeNet.Ports(BridgeNet.Port(8080, 80));
        _container.AddList(List(extra), options);
        using (TcpEcho web = new(_container.Netns, 80))
        {
            Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        }

        _container.CheckList(List(extra), options);
        _container.DeleteList(List(extra), options);
        BridgeNet.World(_host).AssertEqual(before);
    }

    private static string List(string extra = "{}", string name = "net1", string bridge = "br1", string subnet = BridgeNet.Subnet4)
    {
        string portmap = BridgeNet.With("""{"type":"portmap","capabilities":{"portMappings":true}}""", extra);
        return $$"""{"cniVersion":"1.1.0","name":"{{name}}","plugins":[{{BridgeNet.Of(subnet, name: name, bridge: bridge)}},{{portmap}}]}""";
    }

    private static string Portmap(string extra = "{}") => BridgeNet.With("""{"cniVersion":"1.0.0","name":"net1","type":"portmap"}""", extra);

    private static CniOptions Ports(string address) => Previous(address) with { RuntimeConfig = BridgeNet.Ports(BridgeNet.Port(8080, 80)).RuntimeConfig };

    private static CniOptions Previous(string address) => new()
    {
        PreviousResult = $$"""{"cniVersion":"1.0.0","interfaces":{{Interface}},"ips":[{"address":"{{address}}","interface":0}]}""",
    };
}
