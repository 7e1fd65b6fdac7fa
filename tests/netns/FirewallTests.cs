using System.Text.Json.Nodes;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>firewall behind a bridge or a pair, with real packets.</summary>
public sealed class FirewallTests : IDisposable
{
    private const string Both = "10.1.0.0/24 fd00:1::/64";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;
    private readonly Container _stranger;

    public FirewallTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
        _stranger = _host.Container("stranger");
        BridgeNet.RouteFromLan(_host);
        BridgeNet.EnableForwarding(_host);
    }

    public static TheoryData<bool, bool> Cases => new() { { false, false }, { false, true }, { true, false }, { true, true } };

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("0.4.0")]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void FW_01_the_result_passes_through(string version)
    {
        string previous = _container.Add("bridge", BridgeNet.Of(Both, version: version)).Tool.Output;
        World before = BridgeNet.World(_host);

        CniCall add = _container.Add("firewall", Firewall(version: version), new CniOptions { PreviousResult = previous });

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(previous), JsonNode.Parse(add.Tool.Output)), add.Tool.Output);
        BridgeNet.World(_host).Except("firewall.json").AssertEqual(before);
    }

    [Theory]
    [InlineData("0.3.1")]
    [InlineData("0.1.0")]
    public void FW_01_versions_before_0_4_0_are_refused(string version) =>
        _container.TryAdd("firewall", Firewall(version: version), Previous).RequireError(1);

    [Fact]
    public void FW_02_what_iptables_prints()
    {
        DropForwarded();

        _container.AddList(List());
        _neighbour.AddList(List());

        foreach (string tool in new[] { "iptables", "ip6tables" })
        {
            string[] rules = Rules(tool);
            Assert.Equal("-A FORWARD -j CNI-PLUGINS-FWD", rules.First(static rule => rule.StartsWith("-A FORWARD", StringComparison.Ordinal)));
            string[] ours = [.. rules.Where(static rule => rule.StartsWith("-A CNI-PLUGINS-FWD", StringComparison.Ordinal))];
            Assert.Equal(2, ours.Length);
            Assert.Contains("-o br1", ours[0], StringComparison.Ordinal);
            Assert.Contains("--ctstate RELATED,ESTABLISHED,DNAT", ours[0], StringComparison.Ordinal);
            Assert.Contains("-i br1", ours[1], StringComparison.Ordinal);
            Assert.All(ours, static rule => Assert.EndsWith("-j ACCEPT", rule, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("{}", "CNI-ADMIN")]
    [InlineData("""{"iptablesAdminChainName":"OURS"}""", "OURS")]
    public void FW_03_the_administrators_chain_comes_first(string extra, string chain)
    {
        DropForwarded();
        Iptables("-N", chain);
        Iptables("-A", chain, "-d", TestHost.LanAddress4, "-p", "tcp", "--dport", "81", "-j", "DROP");
        using TcpEcho allowed = new(_host.Lan, 80);
        using TcpEcho barred = new(_host.Lan, 81);

        _container.AddList(List(extra));

        Assert.Equal("lan", Reach.Tcp(_container.Netns, TestHost.LanAddress4, 80).Server);
        Assert.Equal(ReachOutcome.TimedOut, Reach.Tcp(_container.Netns, TestHost.LanAddress4, 81).Outcome);
        _container.DeleteList(List(extra));
        Assert.Contains($"-N {chain}", Rules("iptables"));
    }

    [Theory]
    [InlineData("open")]
    [InlineData("same-bridge")]
    [InlineData("isolated")]
    public void FW_04_CHECK_then_everything_goes(string policy)
    {
        DropForwarded();
        World before = BridgeNet.World(_host);
        string list = List(Policy(policy));
        _container.AddList(list);
        _container.CheckList(list);
        World alone = BridgeNet.World(_host);

        _neighbour.AddList(list);
        _neighbour.DeleteList(list, new CniOptions { OmitPreviousResult = true, NetnsPath = "" });
        BridgeNet.World(_host).Except("[neighbour]").AssertEqual(alone.Except("[neighbour]"));
        _container.DeleteList(list);
        _container.DeleteList(list);

        BridgeNet.World(_host).Except("[neighbour]").AssertEqual(before.Except("[neighbour]"));
    }

    [Fact]
    public void FW_04_CHECK_finds_what_is_gone()
    {
        DropForwarded();
        string list = List(Policy("isolated"));
        CniCall add = _container.AddList(list);
        CniOptions check = new() { PreviousResult = add.Tool.Output };
        string port = BridgeNet.PeerOf(_host, _container).Text("ifname")!;

        _container.Check("firewall", Firewall(Policy("isolated")), check);
        Iptables("-D", "FORWARD", "-j", "CNI-PLUGINS-FWD");
        RequireDifference(check, "iptables");
        _neighbour.AddList(list);
        _container.Check("firewall", Firewall(Policy("isolated")), check);
        _host.Netns.Exec("/usr/sbin/bridge", "link", "set", "dev", port, "isolated", "off");
        RequireDifference(check, port);
        _host.Netns.Exec("/usr/sbin/bridge", "link", "set", "dev", port, "isolated", "on");
        _host.Netns.NftScript("flush set inet cni_plugins apart");
        RequireDifference(check, "apart");
    }

    [Theory]
    [InlineData("""{"backend":"firewalld"}""", "firewalld")]
    [InlineData("""{"backend":"ebtables"}""", "backend")]
    [InlineData("""{"ingressPolicy":"closed"}""", "ingressPolicy")]
    [InlineData("""{"iptablesAdminChainName":"a name with spaces"}""", "iptablesAdminChainName")]
    [InlineData("""{"ingressPolicy":"same-bridge"}""", "veth")]
    public void FW_05_what_cannot_be_is_refused_and_nothing_is_made(string extra, string named)
    {
        World before = BridgeNet.World(_host);

        CniCall refused = _container.TryAdd("firewall", Firewall(extra), Previous);

        Assert.Contains(named, refused.RequireError(7).Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory, MemberData(nameof(Cases))]
    public void FW_09_on_the_same_bridge_they_reach_each_other_and_nobody_else_does(bool v6, bool bridgeNetfilter) =>
        WhoReachesWhom("same-bridge", v6, bridgeNetfilter, within: true);

    [Theory, MemberData(nameof(Cases))]
    public void FW_10_isolated_from_each_other_as_well(bool v6, bool bridgeNetfilter) =>
        WhoReachesWhom("isolated", v6, bridgeNetfilter, within: false);

    /// <summary>A container that sends by the gateway what belongs to its own bridge does not get round it.</summary>
    [Fact]
    public void FW_10_nor_by_way_of_the_host()
    {
        string list = List(Policy("isolated"));
        string address = _container.AddList(list).Address();
        _neighbour.AddList(list);
        using TcpEcho server = new(_container.Netns, 80);
        foreach (Container container in new[] { _container, _neighbour })
        {
            container.Netns.Ip("route replace 10.1.0.1 dev eth0");
            container.Netns.Ip("route del 10.1.0.0/24");
        }

        Assert.True(_neighbour.Netns.Ping("10.1.0.1"));
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_neighbour.Netns, address, 80).Outcome);
    }

    /// <summary>Docker and ufw: without the plugin nothing gets through, with it what belongs there does.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void Where_iptables_drops_what_is_forwarded(bool v6, bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        DropForwarded();
        string any = v6 ? "::" : "0.0.0.0";
        string lan = v6 ? TestHost.LanAddress6 : TestHost.LanAddress4;
        string own = v6 ? TestHost.Address6 : TestHost.Address4;
        string address = _container.AddList(List(), Ports(any)).Address(v6);
        _neighbour.AddList(List());
        _stranger.Add("bridge", BridgeNet.Of("10.2.0.0/24 fd00:2::/64", name: "net2", bridge: "br2"));
        using TcpEcho web = new(_container.Netns, 80, any);
        using TcpEcho outside = new(_host.Lan, 80, any);

        Assert.Equal("lan", Reach.Tcp(_container.Netns, lan, 80).Server);
        Assert.Equal("web", Reach.Tcp(_host.Lan, own, 8080).Server);
        Assert.Equal("web", Reach.Tcp(_neighbour.Netns, address, 80).Server);
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host.Lan, address, 80).Outcome);
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_stranger.Netns, lan, 80).Outcome);
    }

    [Theory]
    [InlineData("open")]
    [InlineData("same-bridge")]
    public void Behind_ptp_its_own_pair_is_let_through(string policy)
    {
        DropForwarded();
        World before = BridgeNet.World(_host);
        string list = List(Policy(policy), type: "ptp");
        using TcpEcho outside = new(_host.Lan, 80);

        string address = _container.AddList(list).Address();
        _neighbour.AddList(list);
        foreach (Container container in new[] { _container, _neighbour })
        {
            container.Netns.Ip("route add default via 10.1.0.1");
        }

        Assert.Equal("lan", Reach.Tcp(_container.Netns, TestHost.LanAddress4, 80).Server);
        Assert.Equal(policy == "open", _neighbour.Netns.Ping(address));
        Assert.Equal(4, Rules("iptables").Count(static rule => rule.StartsWith("-A CNI-PLUGINS-FWD", StringComparison.Ordinal)));
        _container.CheckList(list);
        _neighbour.Delete("ptp", BridgeNet.Of(Both, """{"type":"ptp"}"""));   // firewall may have left the list in the meantime
        Assert.Equal(2, Rules("iptables").Count(static rule => rule.StartsWith("-A CNI-PLUGINS-FWD", StringComparison.Ordinal)));
        _neighbour.DeleteList(list);
        _container.DeleteList(list);
        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>W12: the reference leaves its isolation rules for ever, and its rules for an address without prevResult.</summary>
    [Fact]
    public void W12_nothing_is_left_without_a_result_and_without_a_namespace()
    {
        DropForwarded();
        World before = BridgeNet.World(_host);
        string list = List(Policy("same-bridge"));
        _container.AddList(list);

        _container.DeleteList(list, new CniOptions { NetnsPath = "", OmitPreviousResult = true });

        BridgeNet.World(_host).Except("[web]").AssertEqual(before.Except("[web]"));
    }

    /// <summary>W31: the reference fails where there is no ip6tables, though nobody wants IPv6.</summary>
    [Fact]
    public void W31_no_program_is_needed()
    {
        DropForwarded();
        CniOptions bare = new() { Environment = new Dictionary<string, string> { ["PATH"] = "/nonexistent" } };
        string list = List(Policy("same-bridge"), subnets: "10.1.0.0/24");

        _container.AddList(list, bare);

        _container.CheckList(list, bare);
        _container.DeleteList(list, bare);
        Assert.DoesNotContain(Rules("iptables"), static rule => rule.Contains("CNI", StringComparison.Ordinal));
    }

    [Fact]
    public void GC_removes_what_is_nobodys()
    {
        DropForwarded();
        World before = BridgeNet.World(_host);
        string list = List(Policy("isolated"));
        _container.AddList(list);

        foreach ((string type, string configuration) in CniList.Plugins(list, null))
        {
            _host.Gc(type, configuration).RequireSuccess();
        }

        BridgeNet.World(_host).AssertEqual(before);
    }

    private void WhoReachesWhom(string policy, bool v6, bool bridgeNetfilter, bool within)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string list = List(Policy(policy));
        string any = v6 ? "::" : "0.0.0.0";
        string own = v6 ? TestHost.Address6 : TestHost.Address4;
        string address = _container.AddList(list, Ports(any)).Address(v6);
        _neighbour.AddList(list);
        _stranger.AddList(List(Policy(policy), "10.2.0.0/24 fd00:2::/64", "net2", "br2"));
        using TcpEcho published = new(_container.Netns, 80, any);
        using TcpEcho server = new(_container.Netns, 81, any);
        using UdpEcho datagrams = new(_container.Netns, 81, any);
        using TcpEcho outside = new(_host.Lan, 80, any);

        Assert.Equal(within ? "web" : "", Reach.Tcp(_neighbour.Netns, address, 81).Server);
        Assert.Equal(within ? "web" : "", Reach.Udp(_neighbour.Netns, address, 81).Server);
        Assert.Equal(within, _neighbour.Netns.Ping(address));
        Assert.Equal("", Reach.Tcp(_stranger.Netns, address, 81).Server);
        Assert.False(_stranger.Netns.Ping(address));
        Assert.Equal("", Reach.Tcp(_host.Lan, address, 81).Server);

        Assert.Equal("web", Reach.Tcp(_host.Netns, address, 81).Server);
        Assert.Equal("lan", Reach.Tcp(_container.Netns, v6 ? TestHost.LanAddress6 : TestHost.LanAddress4, 80).Server);
        foreach (Netns from in new[] { _host.Lan, _stranger.Netns, _host.Netns })
        {
            Assert.Equal("web", Reach.Tcp(from, own, 8080).Server);
        }

        // Where bridged packets pass the IP hooks, the translated one is still the bridge's to deliver, between two isolated ports.
        Assert.Equal(within || !bridgeNetfilter ? "web" : "", Reach.Tcp(_neighbour.Netns, own, 8080).Server);
    }

    private void RequireDifference(CniOptions check, string named) => Assert.Contains(
        named, _container.TryCheck("firewall", Firewall(Policy("isolated")), check).RequireError(100).Message, StringComparison.Ordinal);

    /// <summary>As Docker leaves a host.</summary>
    private void DropForwarded()
    {
        Iptables("-P", "FORWARD", "DROP");
        _host.Netns.Exec("/usr/sbin/ip6tables", "-P", "FORWARD", "DROP");
    }

    private void Iptables(params string[] words) => _host.Netns.Exec("/usr/sbin/iptables", words);

    private string[] Rules(string tool) => _host.Netns.Exec($"/usr/sbin/{tool}", "-S").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string Policy(string policy) => $$"""{"ingressPolicy":"{{policy}}"}""";

    private static string Firewall(string extra = "{}", string version = "1.0.0") =>
        BridgeNet.With($$"""{"cniVersion":"{{version}}","name":"net1","type":"firewall"}""", extra);

    private static string List(string extra = "{}", string subnets = Both, string name = "net1", string bridge = "br1", string type = "bridge")
    {
        string driver = BridgeNet.Of(subnets, $$"""{"type":"{{type}}"}""", name: name, bridge: bridge);
        string firewall = BridgeNet.With("""{"type":"firewall","backend":""}""", extra);
        return $$"""{"cniVersion":"1.1.0","name":"{{name}}","plugins":[{{driver}},{"type":"portmap","capabilities":{"portMappings":true} },{{firewall}}]}""";
    }

    private static CniOptions Ports(string hostIp) => BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: hostIp));

    private static CniOptions Previous => new()
    {
        PreviousResult = """{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"/x"}],"ips":[{"address":"10.1.0.9/24","interface":0}]}""",
    };
}
