using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The host among the stations on its own interface: "hostAccess" of macvlan and ipvlan, and ports that are published by it.</summary>
public sealed class HostAccessTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public HostAccessTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void A_macvlan_and_its_host_reach_each_other() => ReachesBothWays(Network("macvlan"), "macvlan", hostByName: true);

    [Fact]
    public void Without_it_they_do_not()
    {
        CniCall add = _container.Add("macvlan", SubNet.Of("macvlan", """{"detectDuplicates":false}"""));

        Assert.False(_host.Netns.Ping(add.Address()));
        Assert.False(_container.Netns.Ping(TestHost.Address4));
    }

    [Theory]
    [InlineData("l2")]
    [InlineData("l3")]
    [InlineData("l3s")]
    [RequiresKind("ipvlan")]
    public void An_ipvlan_and_its_host_reach_each_other(string mode) =>
        ReachesBothWays(BridgeNet.With(Network("ipvlan"), $$"""{"mode":"{{mode}}"}"""), "ipvlan", hostByName: false);

    [Fact]
    public void Ports_of_a_macvlan_are_published() => Publishes("macvlan", Network("macvlan"));

    [Fact]
    [RequiresKind("ipvlan")]
    public void Ports_of_an_ipvlan_are_published() => Publishes("ipvlan", Network("ipvlan"));

    [Fact]
    public void Without_it_ports_are_refused()
    {
        string network = SubNet.Of("macvlan", """{"detectDuplicates":false}""");
        Assert.Contains("hostAccess", _container.TryAdd("macvlan", network, BridgeNet.Ports(BridgeNet.Port(8080, 80))).RequireError(7).Message, StringComparison.Ordinal);
        CniCall add = _container.Add("macvlan", network);

        CniOptions options = BridgeNet.Ports(BridgeNet.Port(8080, 80)) with { PreviousResult = add.Tool.Output };
        CniCall refused = _container.TryAdd("portmap", """{"cniVersion":"1.1.0","name":"net1","type":"portmap"}""", options);

        Assert.Contains("hostAccess", refused.RequireError(7).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_containers_share_what_the_last_one_takes_along()
    {
        Container second = _host.Container("second");
        World before = BridgeNet.World(_host);
        CniCall one = _container.Add("macvlan", Network("macvlan"));
        CniCall two = second.Add("macvlan", Network("macvlan"));
        Assert.True(_host.Netns.Ping(one.Address()));
        Assert.True(_host.Netns.Ping(two.Address()));
        Assert.True(_container.Netns.Ping(two.Address()));

        _container.Delete("macvlan", Network("macvlan"));
        Assert.True(_host.Netns.Ping(two.Address()));
        second.Check("macvlan", Network("macvlan"));
        second.Delete("macvlan", Network("macvlan"), new CniOptions { NetnsPath = "", OmitPreviousResult = true });

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("192.0.2.1/24")]
    [InlineData("127.0.0.1/8")]
    [InlineData("224.0.0.5/24")]
    public void An_address_that_is_no_containers_is_refused(string address)
    {
        World before = BridgeNet.World(_host);
        string network = BridgeNet.With(Network("macvlan"), $$$"""{"ipam":{"type":"static","addresses":[{"address":"{{{address}}}"}]}}""");

        Assert.Contains(address.Split('/')[0], _container.TryAdd("macvlan", network).RequireError(7).Message, StringComparison.Ordinal);

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void Two_ports_of_the_host_may_lead_to_one_of_the_containers()
    {
        _container.Add("macvlan", Network("macvlan"), BridgeNet.Ports(BridgeNet.Port(8080, 80), BridgeNet.Port(8081, 80)));
        using TcpEcho web = new(_container.Netns, 80);

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8081).Server);
    }

    [Fact]
    public void CHECK_sees_the_hosts_way_gone()
    {
        CniCall add = _container.Add("macvlan", Network("macvlan"));
        _container.Check("macvlan", Network("macvlan"));

        _host.Netns.Ip($"route del {add.Address()}/32");

        _container.TryCheck("macvlan", Network("macvlan")).RequireError(100);
    }

    private static string Network(string type) =>
        SubNet.Of(type, """{"hostAccess":true,"detectDuplicates":false}""", "1.1.0", "net1", SubNet.Lan4, SubNet.Lan6);

    private void ReachesBothWays(string network, string type, bool hostByName)
    {
        World before = BridgeNet.World(_host);
        CniCall add = _container.Add(type, network);
        using (TcpEcho web4 = new(_container.Netns, 80))
        using (TcpEcho web6 = new(_container.Netns, 80, "::"))
        {
            Reach reach4 = Reach.Tcp(_host.Netns, add.Address(), 80);
            Reach reach6 = Reach.Tcp(_host.Netns, add.Address(v6: true), 80);
            Assert.Equal("web", reach4.Server);
            Assert.Equal("web", reach6.Server);
            Assert.True(_container.Netns.Ping(reach4.SeenSource));
            Assert.True(_container.Netns.Ping(reach6.SeenSource));
            if (hostByName)
            {
                Assert.True(_container.Netns.Ping(TestHost.Address4));
                Assert.True(_container.Netns.Ping(TestHost.Address6));
            }
        }

        _container.Check(type, network);
        _container.Delete(type, network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    private void Publishes(string type, string network)
    {
        World before = BridgeNet.World(_host);
        CniOptions options = BridgeNet.Ports(
            BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"), BridgeNet.Port(8080, 80, hostIp: "::"), BridgeNet.Port(8080, 80, "udp", "0.0.0.0"));
        _container.Add(type, network, options);
        using (TcpEcho web4 = new(_container.Netns, 80))
        using (TcpEcho web6 = new(_container.Netns, 80, "::"))
        using (UdpEcho datagrams = new(_container.Netns, 80))
        {
            Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
            foreach (Netns from in new[] { _host.Netns, _host.Lan })
            {
                Assert.Equal("web", Reach.Tcp(from, TestHost.Address4, 8080).Server);
                Assert.Equal("web", Reach.Tcp(from, TestHost.Address6, 8080).Server);
                Assert.Equal("web", Reach.Udp(from, TestHost.Address4, 8080).Server);
            }
        }

        _container.Check(type, network, options);
        _container.Delete(type, network, options);
        BridgeNet.World(_host).AssertEqual(before);
    }
}
