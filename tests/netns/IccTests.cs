using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Networks whose containers do not reach each other: <c>icc</c>.</summary>
public sealed class IccTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;

    public IccTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
    }

    public static TheoryData<string, bool, bool> Cases => new()
    {
        { "full", false, false }, { "full", false, true }, { "full", true, false }, { "full", true, true },
        { "none", false, false }, { "none", false, true }, { "none", true, false }, { "none", true, true },
    };

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(Cases))]
    public void Neighbours_do_not_reach_each_other_and_all_else_goes_on(string isolation, bool v6, bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string network = BridgeNet.Of(v6 ? "fd00:1::/64" : "10.1.0.0/24", $$"""{"icc":false,"isolation":"{{isolation}}"}""");
        string any = v6 ? "::" : "0.0.0.0";
        string host = v6 ? TestHost.Address6 : TestHost.Address4;
        string address = _container.Add("bridge", network, BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: any))).Address(v6);
        _neighbour.Add("bridge", network);
        using TcpEcho server = new(_container.Netns, 80, any);
        using UdpEcho datagrams = new(_container.Netns, 80, any);
        using TcpEcho outside = new(_host.Lan, 80, any);

        AssertApart(address);

        // Round by the gateway: frames with its link-layer address, and the neighbour's IP address.
        _neighbour.Netns.SetSysctl("net/ipv4/conf/all/accept_redirects", "0");
        _neighbour.Netns.Ip($"route add {address} via {(v6 ? "fd00:1::1" : "10.1.0.1")}");
        AssertApart(address);

        Assert.Equal("web", Reach.Tcp(_host.Netns, address, 80).Server);
        Assert.True(_neighbour.Netns.Ping(v6 ? "fd00:1::1" : "10.1.0.1"));
        Assert.Equal("lan", Reach.Tcp(_neighbour.Netns, v6 ? TestHost.LanAddress6 : TestHost.LanAddress4, 80).Server);
        Assert.Equal("web", Reach.Tcp(_host.Lan, host, 8080).Server);
        Assert.Equal("web", Reach.Tcp(_host.Netns, host, 8080).Server);

        // With br_netfilter the kernel translates within the bridge (br_nf_pre_routing_finish), and sends from port to port, which are apart.
        Assert.Equal(bridgeNetfilter ? "" : "web", Reach.Tcp(_neighbour.Netns, host, 8080).Server);
    }

    /// <summary>What the rule alone does: the ports talk, the bridge does not.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_way_round_by_the_gateway_is_barred_by_the_rule(bool icc)
    {
        string network = BridgeNet.Of("10.1.0.0/24", $$"""{"icc":{{(icc ? "true" : "false")}}}""");
        string address = _container.Add("bridge", network).Address();
        _neighbour.Add("bridge", network);
        _host.SetBridgeNetfilter(false);
        _neighbour.Netns.Ip($"route add {address} via 10.1.0.1");

        Assert.Equal(icc, _neighbour.Netns.Ping(address));
        Assert.Equal(icc ? "false" : "true", BridgeNet.PortSetting(BridgeNet.PeerOf(_host, _neighbour), "isolated")?.ToLowerInvariant());
        Assert.Equal(icc ? 0 : 1, BridgeNet.Elements(_host, "apart").Count);
    }

    [Fact]
    public void Check_and_del_know_of_it()
    {
        string network = BridgeNet.Of(extra: """{"icc":false}""");
        BridgeNet.EnableForwarding(_host);
        World before = BridgeNet.World(_host);
        _container.Add("bridge", network);
        _container.Check("bridge", network);

        _host.Netns.Nft("flush set inet cni_plugins apart");
        Assert.Contains("apart", _container.TryCheck("bridge", network).RequireError(100).Message, StringComparison.Ordinal);
        _container.Delete("bridge", network);
        _container.Add("bridge", network);
        _host.Netns.Exec("/usr/sbin/bridge", "link", "set", "dev", BridgeNet.PeerOf(_host, _container).Text("ifname")!, "isolated", "off");
        Assert.Contains("isolated", _container.TryCheck("bridge", network).RequireError(100).Message, StringComparison.Ordinal);
        _container.Delete("bridge", network);

        BridgeNet.World(_host).AssertEqual(before);
        _container.TryAdd("bridge", BridgeNet.Of(extra: """{"icc":"off"}""")).RequireError(6);
    }

    private void AssertApart(string address)
    {
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_neighbour.Netns, address, 80).Outcome);
        Assert.NotEqual(ReachOutcome.Answered, Reach.Udp(_neighbour.Netns, address, 80).Outcome);
        Assert.False(_neighbour.Netns.Ping(address));
    }
}
