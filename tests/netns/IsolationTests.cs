using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Who opens a connection to whom, with real packets.</summary>
public sealed class IsolationTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;
    private readonly Container _stranger;

    public IsolationTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
        _stranger = _host.Container("stranger");
        BridgeNet.RouteFromLan(_host);
    }

    public static TheoryData<string, bool, bool> Cases => new()
    {
        { "full", false, false }, { "full", false, true }, { "full", true, false }, { "full", true, true },
        { "none", false, false }, { "none", false, true }, { "none", true, false }, { "none", true, true },
    };

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(Cases))]
    public void Who_reaches_whom(string isolation, bool v6, bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string extra = $$"""{"isolation":"{{isolation}}"}""";
        string network = BridgeNet.Of(v6 ? "fd00:1::/64" : "10.1.0.0/24", extra);
        string other = BridgeNet.Of(v6 ? "fd00:2::/64" : "10.2.0.0/24", extra, name: "net2", bridge: "br2");
        string any = v6 ? "::" : "0.0.0.0";
        string host = v6 ? TestHost.Address6 : TestHost.Address4;
        string address = _container.Add("bridge", network, BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: any))).Address(v6);
        string neighbour = _neighbour.Add("bridge", network).Address(v6);
        _stranger.Add("bridge", other);
        using TcpEcho server = new(_container.Netns, 80, any);
        using TcpEcho unpublished = new(_container.Netns, 81, any);
        using TcpEcho outside = new(_host.Lan, 80, any);
        using UdpEcho datagrams = new(_container.Netns, 81, any);
        ReachOutcome barred = isolation == "full" ? ReachOutcome.TimedOut : ReachOutcome.Answered;

        // Into the network.
        Assert.Equal(barred, Reach.Tcp(_stranger.Netns, address, 81).Outcome);
        Assert.Equal(barred, Reach.Tcp(_host.Lan, address, 81).Outcome);
        Assert.Equal(barred, Reach.Udp(_host.Lan, address, 81).Outcome);
        Assert.Equal(isolation != "full", _stranger.Netns.Ping(address));

        // Within it, from the host, and out of it with the replies.
        Assert.Equal($"answered by web (saw {neighbour})", Reach.Tcp(_neighbour.Netns, address, 81).ToString());
        Assert.True(_neighbour.Netns.Ping(address));
        Assert.Equal("web", Reach.Tcp(_host.Netns, address, 81).Server);
        Assert.Equal($"answered by lan (saw {host})", Reach.Tcp(_container.Netns, v6 ? TestHost.LanAddress6 : TestHost.LanAddress4, 80).ToString());
        Assert.True(_stranger.Netns.Ping(v6 ? TestHost.LanAddress6 : TestHost.LanAddress4));

        // What is published is reached in every case.
        foreach (Netns from in new[] { _host.Lan, _stranger.Netns, _neighbour.Netns, _container.Netns, _host.Netns })
        {
            Assert.True(Reach.Tcp(from, host, 8080).Server == "web", $"{from.Name} does not reach the published port");
        }
    }

    [Fact]
    public void One_isolated_network_beside_an_open_one()
    {
        string closed = BridgeNet.Of("10.1.0.0/24", """{"isolation":"full"}""");
        string open = BridgeNet.Of("10.2.0.0/24", """{"isolation":"none"}""", name: "net2", bridge: "br2");
        string inClosed = _container.Add("bridge", closed).Address();
        string inOpen = _stranger.Add("bridge", open).Address();

        Assert.True(_container.Netns.Ping(inOpen));
        Assert.False(_stranger.Netns.Ping(inClosed));
        Assert.True(_host.Lan.Ping(inOpen));
        Assert.False(_host.Lan.Ping(inClosed));
        _container.Delete("bridge", closed);
        Assert.Empty(BridgeNet.Elements(_host, "isolated"));
        Assert.Empty(BridgeNet.Elements(_host, "inside"));
        Assert.True(_host.Lan.Ping(inOpen));
    }

    /// <summary>The configuration's word, then the host-wide file's, then: full for the shortest configuration, none for one in the reference's form.</summary>
    [Theory]
    [InlineData("short", null, null, true)]
    [InlineData("short", "none", null, false)]
    [InlineData("short", "none", "full", true)]
    [InlineData("short", null, "none", false)]
    [InlineData("reference", null, null, false)]
    [InlineData("reference", "full", null, true)]
    [InlineData("reference", "full", "none", false)]
    [InlineData("reference", null, "full", true)]
    public void Defaults(string form, string? hostWide, string? network, bool isolated)
    {
        if (hostWide is not null)
        {
            _host.SetConfiguration($$"""{"isolation":"{{hostWide}}"}""");
        }

        string configuration = form == "short" ? """{"cniVersion":"1.1.0","name":"web","type":"bridge"}""" : BridgeNet.Of();
        string address = _container.Add(
            "bridge", network is null ? configuration : BridgeNet.With(configuration, $$"""{"isolation":"{{network}}"}""")).Address();

        _host.Lan.Ip($"route replace {address} via {TestHost.Address4}");

        Assert.Equal(!isolated, _host.Lan.Ping(address));
        Assert.True(_host.Netns.Ping(address));
    }

    [Theory]
    [InlineData("""{"isolation":"strict"}""", 7)]
    [InlineData("""{"isolation":true}""", 6)]
    public void Other_words_are_refused(string extra, int code) => Assert.Contains(
        "isolation", _container.TryAdd("bridge", BridgeNet.Of(extra: extra)).RequireError(code).Message, StringComparison.Ordinal);
}
