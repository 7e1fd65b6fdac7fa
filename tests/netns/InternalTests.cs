using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Networks without a way out: <c>internal</c>.</summary>
public sealed class InternalTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;
    private readonly Container _stranger;

    public InternalTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
        _stranger = _host.Container("stranger");
        BridgeNet.RouteFromLan(_host);
    }

    public void Dispose() => _host.Dispose();

    /// <summary>The containers have a default route, so that their packets do come to the host; the neighbours on the LAN have one back.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Nothing_leaves_and_the_rest_goes_on(bool v6, bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string network = BridgeNet.Of(v6 ? "fd00:1::/64" : "10.1.0.0/24", """{"internal":true,"ipMasq":false}""");
        string other = BridgeNet.Of(v6 ? "fd00:2::/64" : "10.2.0.0/24", name: "net2", bridge: "br2");
        string any = v6 ? "::" : "0.0.0.0";
        string host = v6 ? TestHost.Address6 : TestHost.Address4;
        string lan = v6 ? TestHost.LanAddress6 : TestHost.LanAddress4;
        string address = _container.Add("bridge", network, BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: any))).Address(v6);
        _neighbour.Add("bridge", network);
        string stranger = _stranger.Add("bridge", other, BridgeNet.Ports(BridgeNet.Port(9090, 80, hostIp: any))).Address(v6);
        using TcpEcho server = new(_container.Netns, 80, any);
        using TcpEcho others = new(_stranger.Netns, 80, any);
        using TcpEcho outside = new(_host.Lan, 80, any);
        using UdpEcho datagrams = new(_host.Lan, 80, any);
        using TcpEcho service = new(_host.Netns, 7000, any);

        // The host knows the neighbour, so that it could send what it forwards at once.
        Assert.True(_host.Netns.Ping(lan));

        // Out: to the LAN, to another network, to another network's published port.
        Assert.Equal(ReachOutcome.TimedOut, Reach.Tcp(_container.Netns, lan, 80).Outcome);
        Assert.Equal(ReachOutcome.TimedOut, Reach.Udp(_container.Netns, lan, 80).Outcome);
        Assert.False(_container.Netns.Ping(lan));
        Assert.Equal(ReachOutcome.TimedOut, Reach.Tcp(_container.Netns, stranger, 80).Outcome);
        Assert.Equal(ReachOutcome.TimedOut, Reach.Tcp(_container.Netns, host, 9090).Outcome);

        // In: what is published, and nothing else.
        Assert.Equal(ReachOutcome.TimedOut, Reach.Tcp(_host.Lan, address, 80).Outcome);
        Assert.Equal(ReachOutcome.TimedOut, Reach.Tcp(_stranger.Netns, address, 80).Outcome);
        foreach (Netns from in new[] { _host.Lan, _stranger.Netns, _neighbour.Netns, _host.Netns })
        {
            Assert.True(Reach.Tcp(from, host, 8080).Server == "web", $"{from.Name} does not reach the published port");
        }

        // Within, and this host.
        Assert.Equal("web", Reach.Tcp(_neighbour.Netns, address, 80).Server);
        Assert.Equal("web", Reach.Tcp(_host.Netns, address, 80).Server);
        Assert.Equal("host", Reach.Tcp(_container.Netns, host, 7000).Server);
        Assert.Equal("lan", Reach.Tcp(_stranger.Netns, lan, 80).Server);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("none")]
    public void With_our_defaults_it_has_no_default_route_and_no_masquerade(string? hostWide)
    {
        if (hostWide is not null)
        {
            _host.SetConfiguration($$"""{"isolation":"{{hostWide}}"}""");
        }

        const string Network = """{"cniVersion":"1.1.0","name":"web","type":"bridge","internal":true}""";
        BridgeNet.EnableForwarding(_host);
        World before = BridgeNet.World(_host).Except("/cni-plugins/");
        string address = _container.Add("bridge", Network).Address();
        string other = _neighbour.Add("bridge", Network).Address();

        Assert.Empty(_container.Netns.Ip("-j -4 route show default").EnumerateArray());
        Assert.Empty(_container.Netns.Ip("-j -6 route show default").EnumerateArray());
        Assert.True(_container.Netns.Ping(other));
        Assert.True(_host.Netns.Ping(address));
        Assert.Empty(BridgeNet.Elements(_host, "masqueraded4"));
        foreach (string set in new[] { "internal", "isolated", "inside" })
        {
            Assert.Single(BridgeNet.Elements(_host, set));
        }

        _container.Check("bridge", Network);
        _host.Netns.Nft("flush set inet cni_plugins internal");
        Assert.Contains("internal", _container.TryCheck("bridge", Network).RequireError(100).Message, StringComparison.Ordinal);
        _container.Delete("bridge", Network);
        _neighbour.Delete("bridge", Network);
        BridgeNet.World(_host).Except("/cni-plugins/").AssertEqual(before);
    }

    [Theory]
    [InlineData("""{"internal":true}""", "ipMasq", 7)]
    [InlineData("""{"internal":true,"ipMasq":false,"isolation":"none"}""", "isolation", 7)]
    [InlineData("""{"internal":"yes","ipMasq":false}""", "internal", 6)]
    public void What_does_not_fit_is_refused(string extra, string named, int code)
    {
        World before = BridgeNet.World(_host);

        Assert.Contains(named, _container.TryAdd("bridge", BridgeNet.Of(extra: extra)).RequireError(code).Message, StringComparison.Ordinal);

        BridgeNet.World(_host).AssertEqual(before);
    }
}
