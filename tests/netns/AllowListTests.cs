using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Who reaches a published port: <c>allow</c> in an entry of portMappings.</summary>
public sealed class AllowListTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;

    public AllowListTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
    }

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Only_those_in_the_list_reach_the_port(bool v6, bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string subnet = v6 ? "fd00:1::/64" : "10.1.0.0/24";
        string any = v6 ? "::" : "0.0.0.0";
        string host = v6 ? TestHost.Address6 : TestHost.Address4;
        string network = BridgeNet.Of(subnet);
        _container.Add("bridge", network, BridgeNet.Ports(
            Port(8080, "tcp", any, v6 ? TestHost.LanAddress6 : TestHost.LanAddress4),
            Port(8081, "tcp", any, subnet, v6 ? "2001:db8:7::/48" : "198.51.100.0/24"),
            Port(8082, "tcp", any, v6 ? "10.0.0.0/8" : "fd00::/8"),
            Port(8083, "tcp", any, host),
            Port(8084, "udp", any, v6 ? "2001:db8:1::2/128" : "192.0.2.2/31"),
            BridgeNet.Port(8085, 80, hostIp: any)));
        _neighbour.Add("bridge", network);
        using TcpEcho server = new(_container.Netns, 80, any);
        using UdpEcho datagrams = new(_container.Netns, 80, any);

        Expect(_host.Lan, host, 8080, 8085);
        Expect(_neighbour.Netns, host, 8081, 8085);
        Expect(_host.Netns, host, 8083, 8085);
        Assert.Equal("web", Reach.Udp(_host.Lan, host, 8084).Server);
        Assert.Equal("", Reach.Udp(_neighbour.Netns, host, 8084).Server);
        Assert.Equal("", Reach.Udp(_host.Netns, host, 8084).Server);
    }

    [Fact]
    public void One_port_on_two_addresses_has_a_list_for_each()
    {
        _container.Add("bridge", BridgeNet.Of(), BridgeNet.Ports(
            Port(8080, "tcp", TestHost.Address4, TestHost.LanAddress4), Port(8080, "tcp", "127.0.0.1", "127.0.0.0/8")));
        _host.Netns.Ip("address add 192.0.2.50/24 dev uplink");
        _neighbour.Add("bridge", BridgeNet.Of("10.2.0.0/24", name: "net2", bridge: "br2"), BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: "192.0.2.50")));
        using TcpEcho server = new(_container.Netns, 80);
        using TcpEcho other = new(_neighbour.Netns, 80);

        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        Assert.Equal("", Reach.Tcp(_host.Netns, TestHost.Address4, 8080).Server);
        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);

        // The same number on an address of another's is no business of these lists.
        Assert.Equal("neighbour", Reach.Tcp(_host.Netns, "192.0.2.50", 8080).Server);
        Assert.Equal("neighbour", Reach.Tcp(_host.Lan, "192.0.2.50", 8080).Server);
    }

    /// <summary>Both must pass: the entry's list, and the conditions of portmap.</summary>
    [Theory]
    [InlineData("192.0.2.0/24", """["ip saddr != 192.0.2.1"]""", true, false)]
    [InlineData("192.0.2.2", """["ip saddr 198.51.100.0/24"]""", false, false)]
    [InlineData("192.0.2.0/24", """["ip daddr 192.0.2.1"]""", true, true)]
    [InlineData("192.0.2.2", """["ip saddr 192.0.2.0/24","ip daddr != 127.0.0.1"]""", true, false)]
    public void Portmap_has_it_beside_its_conditions(string allow, string conditions, bool fromLan, bool fromHost)
    {
        string list = $$"""
            {"cniVersion":"1.0.0","name":"net1","plugins":[{{BridgeNet.Of(version: "1.0.0")}},
             {"type":"portmap","capabilities":{"portMappings":true},"conditionsV4":{{conditions}}}]}
            """;
        _container.AddList(list, BridgeNet.Ports(Port(8080, "tcp", "0.0.0.0", allow)));
        using TcpEcho server = new(_container.Netns, 80);

        Assert.Equal(fromLan ? "web" : "", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        Assert.Equal(fromHost ? "web" : "", Reach.Tcp(_host.Netns, TestHost.Address4, 8080).Server);
        _container.CheckList(list);
        _container.DeleteList(list);
        Assert.Empty(BridgeNet.Elements(_host, "refused4"));
    }

    [Fact]
    public void Check_and_del_know_of_it()
    {
        string network = BridgeNet.Of();
        CniOptions options = BridgeNet.Ports(Port(8080, "tcp", "0.0.0.0", "192.0.2.2"));
        BridgeNet.EnableForwarding(_host);
        World before = BridgeNet.World(_host);
        _container.Add("bridge", network, options);
        Assert.Equal(2, BridgeNet.Elements(_host, "refused4").Count);
        _container.Check("bridge", network, options);

        _host.Netns.Nft("flush set inet cni_plugins refused4");
        Assert.Contains("refused4", _container.TryCheck("bridge", network, options).RequireError(100).Message, StringComparison.Ordinal);
        _container.Delete("bridge", network, options);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("[]", 7)]
    [InlineData("""["nowhere"]""", 7)]
    [InlineData("""[""]""", 7)]
    [InlineData("""["10.0.0.0/33"]""", 7)]
    [InlineData("""["10.0.0.0/08"]""", 7)]
    [InlineData("""["10.0.0.1-10.0.0.9"]""", 7)]
    [InlineData("""["fd00::/129"]""", 7)]
    [InlineData("\"10.0.0.0/8\"", 6)]
    [InlineData("[10]", 6)]
    [InlineData("[null]", 6)]
    public void What_is_no_list_of_addresses_is_refused(string allow, int code)
    {
        World before = BridgeNet.World(_host);

        Assert.Contains(
            "allow",
            _container.TryAdd("bridge", BridgeNet.Of(), BridgeNet.Ports($$"""{"hostPort":8080,"containerPort":80,"allow":{{allow}}}""")).RequireError(code).Message,
            StringComparison.Ordinal);

        BridgeNet.World(_host).AssertEqual(before);
    }

    private static string Port(int port, string protocol, string hostIp, params string[] allow) =>
        $$"""{"hostPort":{{port}},"containerPort":80,"protocol":"{{protocol}}","hostIP":"{{hostIp}}","allow":["{{string.Join("\",\"", allow)}}"]}""";

    private static void Expect(Netns from, string host, params int[] reached)
    {
        foreach (int port in new[] { 8080, 8081, 8082, 8083, 8085 })
        {
            Reach reach = Reach.Tcp(from, host, port);
            Assert.True(reach.Server == (reached.Contains(port) ? "web" : ""), $"from {from.Name} to port {port}: {reach}");
        }
    }
}
