using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Which address containers show outside: <c>outboundAddress</c>.</summary>
public sealed class OutboundTests : IDisposable
{
    private const string Second4 = "192.0.2.50";
    private const string Second6 = "2001:db8:1::50";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _other;

    public OutboundTests()
    {
        _container = _host.Container("web");
        _other = _host.Container("other");
        _host.Netns.Ip($"address add {Second4}/24 dev uplink");
        _host.Netns.Ip($"address add {Second6}/64 dev uplink nodad preferred_lft 0");   // so that the kernel never chooses it
    }

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_way_out_shows_the_address_of_choice(bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", $$"""{"outboundAddress":["{{Second4}}","{{Second6}}"]}""");
        string address = _container.Add("bridge", network, BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"))).Address();
        Container neighbour = _host.Container("neighbour");
        string own = neighbour.Add("bridge", network).Address();
        _other.Add("bridge", BridgeNet.Of("10.2.0.0/24 fd00:2::/64", name: "net2", bridge: "br2"));
        using TcpEcho server = new(_container.Netns, 80);
        using TcpEcho outside4 = new(_host.Lan, 80);
        using UdpEcho datagrams4 = new(_host.Lan, 80);
        using TcpEcho outside6 = new(_host.Lan, 80, "::");

        Assert.Equal(Second4, Reach.Tcp(_container.Netns, TestHost.LanAddress4, 80).SeenSource);
        Assert.Equal(Second4, Reach.Udp(_container.Netns, TestHost.LanAddress4, 80).SeenSource);
        Assert.Equal(Second6, Reach.Tcp(_container.Netns, TestHost.LanAddress6, 80).SeenSource);
        Assert.True(_container.Netns.Ping(TestHost.LanAddress4));

        // Not for the network's own traffic, nor for what is published, nor for others.
        Assert.Equal(own, Reach.Tcp(neighbour.Netns, address, 80).SeenSource);
        Assert.Equal(TestHost.LanAddress4, Reach.Tcp(_host.Lan, TestHost.Address4, 8080).SeenSource);
        Assert.Equal("10.1.0.1", Reach.Tcp(neighbour.Netns, TestHost.Address4, 8080).SeenSource);
        Assert.Equal(TestHost.Address4, Reach.Tcp(_other.Netns, TestHost.LanAddress4, 80).SeenSource);
        Assert.Equal(TestHost.Address6, Reach.Tcp(_other.Netns, TestHost.LanAddress6, 80).SeenSource);
    }

    [Fact]
    public void A_family_without_one_is_masqueraded_and_all_of_it_goes_with_the_container()
    {
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", $$"""{"outboundAddress":"{{Second4}}"}""");
        BridgeNet.EnableForwarding(_host);
        World before = BridgeNet.World(_host);
        string address = _container.Add("bridge", network).Address();
        using TcpEcho outside4 = new(_host.Lan, 80);
        using TcpEcho outside6 = new(_host.Lan, 80, "::");

        Assert.Equal(Second4, Reach.Tcp(_container.Netns, TestHost.LanAddress4, 80).SeenSource);
        Assert.Equal(TestHost.Address6, Reach.Tcp(_container.Netns, TestHost.LanAddress6, 80).SeenSource);
        Assert.Empty(BridgeNet.Elements(_host, "outbound6"));
        _container.Check("bridge", network);
        _host.Netns.Nft($"delete element inet cni_plugins outbound4 {{ {address} }}");
        Assert.Contains("outbound4", _container.TryCheck("bridge", network).RequireError(100).Message, StringComparison.Ordinal);
        _container.Delete("bridge", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("\"192.0.2.0/24\"", 7)]
    [InlineData("\"nowhere\"", 7)]
    [InlineData("\"\"", 7)]
    [InlineData("[]", 7)]
    [InlineData("\"127.0.0.1\"", 7)]
    [InlineData("\"0.0.0.0\"", 7)]
    [InlineData("\"224.0.0.1\"", 7)]
    [InlineData("\"255.255.255.255\"", 7)]
    [InlineData("\"::\"", 7)]
    [InlineData("\"::1\"", 7)]
    [InlineData("\"ff02::1\"", 7)]
    [InlineData("\"fe80::1\"", 7)]
    [InlineData("[\"192.0.2.50\",\"192.0.2.51\"]", 7)]
    [InlineData("[\"2001:db8::1\",\"2001:db8::2\"]", 7)]
    [InlineData("7", 6)]
    [InlineData("[7]", 6)]
    public void Others_are_refused(string value, int code) => Assert.Contains(
        "outboundAddress", _container.TryAdd("bridge", BridgeNet.Of(extra: $$"""{"outboundAddress":{{value}}}""")).RequireError(code).Message, StringComparison.Ordinal);

    [Fact]
    public void Without_masquerade_it_is_refused() => Assert.Contains(
        "ipMasq", _container.TryAdd("bridge", BridgeNet.Of(extra: """{"ipMasq":false,"outboundAddress":"192.0.2.50"}""")).RequireError(7).Message, StringComparison.Ordinal);
}
