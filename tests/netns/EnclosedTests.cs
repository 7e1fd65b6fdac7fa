using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Who writes a container's own address on a packet, from beyond its network: refused before conntrack sees it, where nobody has reason to.</summary>
public sealed class EnclosedTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;
    private readonly Container _stranger;

    public EnclosedTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
        _stranger = _host.Container("stranger");
        BridgeNet.RouteFromLan(_host);
    }

    public static TheoryData<string, bool, bool> Cases => new()
    {
        { """{"isolation":"full"}""", false, false }, { """{"isolation":"full"}""", false, true },
        { """{"isolation":"full"}""", true, false }, { """{"isolation":"full"}""", true, true },
        { """{"internal":true,"ipMasq":false}""", false, false }, { """{"internal":true,"ipMasq":false}""", false, true },
        { """{"internal":true,"ipMasq":false}""", true, false }, { """{"internal":true,"ipMasq":false}""", true, true },
    };

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(Cases))]
    public void A_refused_packet_never_comes_to_conntrack(string extra, bool v6, bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string network = BridgeNet.Of(v6 ? "fd00:1::/64" : "10.1.0.0/24", extra);
        string address = _container.Add("bridge", network).Address(v6);
        _neighbour.Add("bridge", network);
        _stranger.Add("bridge", BridgeNet.Of(v6 ? "fd00:2::/64" : "10.2.0.0/24", name: "net2", bridge: "br2"));
        using TcpEcho server = new(_container.Netns, 80, v6 ? "::" : "0.0.0.0");
        using UdpEcho datagrams = new(_container.Netns, 80, v6 ? "::" : "0.0.0.0");

        foreach ((Netns from, string device) in new[] { (_host.Lan, "uplink"), (_stranger.Netns, "br2") })
        {
            Count(v6, address, device);
            Assert.Equal(ReachOutcome.TimedOut, Reach.Tcp(from, address, 80).Outcome);
            Assert.Equal(ReachOutcome.TimedOut, Reach.Udp(from, address, 80).Outcome);
            Assert.False(from.Ping(address));
            Assert.NotEqual(0, Counted("came"));
            Assert.Equal(0, Counted("known"));
        }

        Count(v6, address, "br1");
        Assert.Equal("web", Reach.Tcp(_neighbour.Netns, address, 80).Server);
        Assert.Equal("web", Reach.Tcp(_host.Netns, address, 80).Server);
        Assert.Equal("web", Reach.Udp(_host.Netns, address, 80).Server);
        Assert.Equal(bridgeNetfilter, Counted("known") > 0);
    }

    /// <summary>Replies to what a network without masquerade sends come for the container's address: only the forward chain knows them.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Isolated_and_routed_has_its_replies_and_nothing_else(bool v6, bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string network = BridgeNet.Of(v6 ? "fd00:1::/64" : "10.1.0.0/24", """{"isolation":"full","ipMasq":false}""");
        string address = _container.Add("bridge", network).Address(v6);
        string any = v6 ? "::" : "0.0.0.0";
        using TcpEcho server = new(_container.Netns, 80, any);
        using TcpEcho outside = new(_host.Lan, 80, any);

        // The host cannot ask by its link-local address yet for whom it forwards to (net/ipv6/ndisc.c): it knows the neighbour before.
        Assert.True(_host.Netns.Ping(v6 ? TestHost.LanAddress6 : TestHost.LanAddress4));
        Assert.Empty(BridgeNet.Elements(_host, v6 ? "enclosed6" : "enclosed4"));
        Assert.Equal($"answered by lan (saw {address})", Reach.Tcp(_container.Netns, v6 ? TestHost.LanAddress6 : TestHost.LanAddress4, 80).ToString());
        Assert.Equal(ReachOutcome.TimedOut, Reach.Tcp(_host.Lan, address, 80).Outcome);
    }

    /// <summary>Frames within a VLAN pass the rules as the bridge's, not as the VLAN interface's.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Within_a_vlan_neighbours_reach_each_other(bool bridgeNetfilter)
    {
        Kernel.RequireVlanFiltering();
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"isolation":"full","vlan":100}""");
        CniCall add = _container.Add("bridge", network);
        _neighbour.Add("bridge", network);

        Assert.True(_neighbour.Netns.Ping(add.Address()));
        Assert.True(_neighbour.Netns.Ping(add.Address(v6: true)));
        Assert.True(_host.Netns.Ping(add.Address()));
        Assert.False(_host.Lan.Ping(add.Address()));
    }

    [Fact]
    public void Check_del_and_gc_know_of_it()
    {
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"isolation":"full"}""");
        CniCall add = _container.Add("bridge", network);
        _neighbour.Add("bridge", network);
        Assert.Contains(BridgeNet.Elements(_host, "enclosed4"), element => element.Contains(_container.Id, StringComparison.Ordinal));

        _host.Netns.Nft($"delete element inet cni_plugins enclosed6 {{ {add.Address(v6: true)} }}");
        Assert.Contains("enclosed6", _container.TryCheck("bridge", network).RequireError(100).Message, StringComparison.Ordinal);
        _container.Delete("bridge", network);
        Assert.Single(BridgeNet.Elements(_host, "enclosed4"));
        Assert.Single(BridgeNet.Elements(_host, "enclosed6"));

        // The record is lost: the elements say whose they are.
        _container.Add("bridge", network);
        File.Delete(Directory.GetFiles(_host.StateDirectory, $"{_container.Id}*", SearchOption.AllDirectories).Single());
        _host.Gc("bridge", network, (_neighbour.Id, "eth0"));
        Assert.DoesNotContain(BridgeNet.Elements(_host, "enclosed4"), element => element.Contains(_container.Id, StringComparison.Ordinal));
        Assert.Single(BridgeNet.Elements(_host, "enclosed6"));
    }

    /// <summary>Counts packets for an address, by one device: all that come, and those that conntrack has seen (-200).</summary>
    private void Count(bool v6, string address, string device)
    {
        string match = $"iifname \"{device}\" {(v6 ? "ip6" : "ip")} daddr {address}";
        _host.Netns.NftScript($$"""
            table inet probe
            delete table inet probe
            table inet probe {
              counter came { }
              counter known { }
              chain before { type filter hook prerouting priority -400; {{match}} counter name came; }
              chain after { type filter hook prerouting priority -150; {{match}} ct state new counter name known; }
            }
            """);
    }

    private int Counted(string counter)
    {
        string[] words = _host.Netns.Exec("/usr/sbin/nft", "list", "counter", "inet", "probe", counter).Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return int.Parse(words[Array.IndexOf(words, "packets") + 1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
