using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Containers on a pair of their own, with the host as the router between them.</summary>
public sealed class PtpTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;

    public PtpTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
    }

    public static TheoryData<string> VersionNames => ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(VersionNames))]
    public void PT_01_the_gateway_answers(string version)
    {
        World before = BridgeNet.World(_host);
        string network = Network("10.1.0.0/24", """{"dns":{"nameservers":["192.0.2.53"]}}""", version);
        if (version == "1.1.0")
        {
            _host.Status("ptp", network).RequireSuccess();
        }

        CniCall add = _container.Add("ptp", network);

        Assert.Equal("192.0.2.53", add.Result.GetProperty("dns").GetProperty("nameservers")[0].GetString());
        Assert.True(_container.Netns.Ping("10.1.0.1"));
        Assert.True(_container.Netns.Ping(TestHost.Address4));
        Assert.True(_host.Netns.Ping(BridgeNet.Addresses(add).Single().Split('/')[0]));
        if (string.CompareOrdinal(version, "0.4.0") >= 0)
        {
            _container.Check("ptp", network);
        }

        _container.Delete("ptp", network);
        _container.Delete("ptp", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("""{"ipMasq":true}""")]
    [InlineData("""{"ipMasq":true,"ipMasqBackend":"iptables"}""")]
    [InlineData("""{"ipMasq":true,"ipMasqBackend":"nftables"}""")]
    public void PT_02_03_masquerade(string extra)
    {
        World before = BridgeNet.World(_host);
        string network = Network("10.1.0.0/24 fd00:1::/64", extra);
        CniCall add = _container.Add("ptp", network);
        CniCall other = _neighbour.Add("ptp", network);
        using TcpEcho outside4 = new(_host.Lan, 80);
        using TcpEcho outside6 = new(_host.Lan, 80, "::");
        using TcpEcho inside = new(_neighbour.Netns, 80);

        Assert.Equal(TestHost.Address4, Reach.Tcp(_container.Netns, TestHost.LanAddress4, 80).SeenSource);
        Assert.Equal(TestHost.Address6, Reach.Tcp(_container.Netns, TestHost.LanAddress6, 80).SeenSource);
        Assert.Equal(add.Address(), Reach.Tcp(_container.Netns, other.Address(), 80).SeenSource);   // within the network
        _container.Check("ptp", network);
        _container.Delete("ptp", network, new CniOptions { NetnsPath = "", OmitPreviousResult = true });
        _neighbour.Delete("ptp", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void PT_04_two_families_and_routes()
    {
        string network = Network("10.1.0.0/24 fd00:1::/64");
        CniCall add = _container.Add("ptp", network);
        CniCall other = _neighbour.Add("ptp", network);

        Assert.Equal(["10.1.0.2/24", "fd00:1::2/64"], add.Addresses);
        Assert.Equal(["10.1.0.2/24", "fd00:1::2/64"], BridgeNet.AddressesOf(_container.Netns, "eth0"));
        Assert.True(_container.Netns.Ping(other.Address()));
        Assert.True(_container.Netns.Ping(other.Address(v6: true)));
        Assert.True(_container.Netns.Ping("fd00:1::1"));
        Assert.Contains("10.1.0.0/24 via 10.1.0.1", _container.Netns.Exec("/usr/sbin/ip", "route").Output, StringComparison.Ordinal);
        Assert.Equal(2, Json.Object(add.Tool.Output)["interfaces"]!.AsArray().Count);
    }

    [Theory]
    [InlineData("{}", "192.0.2.99")]
    [InlineData("""{"dns":{}}""", "192.0.2.99")]
    [InlineData("""{"dns":{"nameservers":["192.0.2.53"]}}""", "192.0.2.53")]
    public void PT_05_06_the_dns_of_address_management_unless_there_is_some(string extra, string server)
    {
        string file = Path.Combine(_host.Root, "resolv.conf");
        File.WriteAllText(file, "nameserver 192.0.2.99\n");
        string network = BridgeNet.With(
            Network("10.1.0.0/24"), BridgeNet.With(extra, $$$"""{"ipam":{"type":"host-local","subnet":"10.1.0.0/24","resolvConf":"{{{file}}}"}}"""));

        Assert.Equal(server, _container.Add("ptp", network).Result.GetProperty("dns").GetProperty("nameservers")[0].GetString());
    }

    [Fact]
    public void PT_08_DEL_of_what_never_was() => _container.Delete("ptp", Network("10.1.0.0/24"));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Published_ports(bool byPortmap)
    {
        World before = BridgeNet.World(_host);
        CniOptions options = BridgeNet.Ports(
            BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"), BridgeNet.Port(8080, 80, hostIp: "::"), BridgeNet.Port(8080, 80, "udp", "0.0.0.0"));
        string capable = """{"capabilities":{"portMappings":true}}""";
        string ptp = Network("10.1.0.0/24 fd00:1::/64", byPortmap ? "{}" : capable);
        string list = $$"""{"cniVersion":"1.1.0","name":"net1","plugins":[{{ptp}}{{(byPortmap ? $",{BridgeNet.With("""{"type":"portmap"}""", capable)}" : "")}}]}""";
        CniCall add = _container.AddList(list, options);
        _neighbour.AddList(list, BridgeNet.Ports());
        using (TcpEcho web4 = new(_container.Netns, 80))
        using (TcpEcho web6 = new(_container.Netns, 80, "::"))
        using (UdpEcho datagrams = new(_container.Netns, 80))
        {
            Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
            foreach (Netns from in new[] { _host.Netns, _host.Lan, _container.Netns, _neighbour.Netns })
            {
                Assert.Equal("web", Reach.Tcp(from, TestHost.Address4, 8080).Server);
                Assert.Equal("web", Reach.Tcp(from, TestHost.Address6, 8080).Server);
                Assert.Equal("web", Reach.Udp(from, TestHost.Address4, 8080).Server);
            }
        }

        foreach ((string type, string configuration) in CniList.Plugins(list, options.RuntimeConfig))
        {
            _container.Check(type, configuration, new CniOptions { PreviousResult = add.Tool.Output });
        }

        _container.DeleteList(list, options);
        _neighbour.DeleteList(list, BridgeNet.Ports());
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void Without_addresses_or_a_gateway_there_is_no_way()
    {
        World before = BridgeNet.World(_host);
        Assert.Contains("ipam", _container.TryAdd("ptp", BridgeNet.With(Network("10.1.0.0/24"), """{"ipam":{}}""")).RequireError(7).Message, StringComparison.Ordinal);
        string fixedAddress = BridgeNet.With(Network("10.1.0.0/24"), """{"ipam":{"type":"static","addresses":[{"address":"10.1.0.5/24"}]}}""");
        Assert.Contains("gateway", _container.TryAdd("ptp", fixedAddress).RequireError(7).Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>W6: the reference keeps the address when a later step of ADD fails.</summary>
    [Fact]
    public void W6_a_failed_ADD_gives_its_address_back()
    {
        World before = BridgeNet.World(_host);
        using TcpEcho taken = new(_host.Netns, 8080, "127.0.0.1");

        _container.TryAdd("ptp", Network("10.1.0.0/24"), BridgeNet.Ports(BridgeNet.Port(8080, 80))).RequireError(11);

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData(true, "link set eth0 address 02:00:00:00:00:07")]
    [InlineData(true, "address flush dev eth0")]
    [InlineData(false, "route del 10.1.0.2")]
    [InlineData(false, "address flush to 10.1.0.1")]
    public void CHECK_sees(bool inContainer, string change)
    {
        string network = Network("10.1.0.0/24");
        _container.Add("ptp", network);
        _container.Check("ptp", network);

        (inContainer ? _container.Netns : _host.Netns).Ip(change);

        _container.TryCheck("ptp", network).RequireError(100);
    }

    private static string Network(string subnets, string extra = "{}", string version = "1.1.0")
    {
        string ranges = string.Join(',', subnets.Split(' ').Select(static subnet => $$"""[{"subnet":"{{subnet}}"}]"""));
        string routes = string.Join(',', subnets.Split(' ').Select(static subnet => $$"""{"dst":"{{(subnet.Contains(':', StringComparison.Ordinal) ? "::/0" : "0.0.0.0/0")}}"}"""));
        return BridgeNet.With(
            $$"""{"cniVersion":"{{version}}","name":"net1","type":"ptp","ipam":{"type":"host-local","ranges":[{{ranges}}],"routes":[{{routes}}] } }""", extra);
    }
}
