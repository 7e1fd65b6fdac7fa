using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Containers that are stations of their own on the LAN.</summary>
public sealed class MacvlanTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;

    public MacvlanTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
    }

    public static TheoryData<string, bool> VersionsAndPlaces
    {
        get
        {
            TheoryData<string, bool> rows = [];
            foreach (string version in new[] { "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" })
            {
                rows.Add(version, false);
                rows.Add(version, true);
            }

            return rows;
        }
    }

    public void Dispose() => _host.Dispose();

    /// <summary>MV-01, MV-02 and MV-05: the whole life, with the master in the host and in the container.</summary>
    [Theory, MemberData(nameof(VersionsAndPlaces))]
    public void MV_02_an_address_of_its_own(string version, bool inContainer)
    {
        SubNet.AddInner(_container);
        World before = BridgeNet.World(_host);
        string network = SubNet.Of("macvlan", """{"detectDuplicates":false}""", version);
        network = inContainer ? SubNet.InContainer(network) : network;

        CniCall add = _container.Add("macvlan", network);

        Assert.Equal(BridgeNet.Addresses(add), BridgeNet.AddressesOf(_container.Netns, "eth0"));
        Assert.Equal("bridge", SubNet.Data(_container.Netns, "eth0", "mode"));
        if (string.CompareOrdinal(version, "0.3.0") >= 0)
        {
            Assert.Equal(BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("address"), SubNet.Interface(add)["mac"]!.GetValue<string>());
        }

        if (!inContainer)
        {
            Assert.True(_container.Netns.Ping(TestHost.LanAddress4));
        }

        if (string.CompareOrdinal(version, "0.4.0") >= 0)
        {
            _container.Check("macvlan", network);
        }

        _container.Delete("macvlan", network);
        _container.Delete("macvlan", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void MV_03_DEL_of_what_never_was() => _container.Delete("macvlan", SubNet.Of("macvlan"));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MV_04_without_addresses(bool inContainer)
    {
        SubNet.AddInner(_container);
        string network = BridgeNet.With(SubNet.Of("macvlan"), """{"ipam":{}}""");
        network = inContainer ? SubNet.InContainer(network) : network;

        Assert.Empty(_container.Add("macvlan", network).Addresses);

        Assert.Contains("UP", BridgeNet.FindLink(_container.Netns, "eth0")!.Value.GetProperty("flags").EnumerateArray().Select(static flag => flag.GetString()));
        _container.Check("macvlan", network);
        _container.Delete("macvlan", network);
        Assert.Null(BridgeNet.FindLink(_container.Netns, "eth0"));
    }

    [Fact]
    public void MV_06_without_a_master_the_default_routes_interface()
    {
        string network = BridgeNet.With(SubNet.Of("macvlan"), """{"master":""}""");
        _container.Add("macvlan", network);
        Assert.True(_container.Netns.Ping(TestHost.LanAddress4));
        _container.Check("macvlan", network);

        _host.Netns.Ip("route del default");
        _host.Netns.Ip("-6 route del default");

        Assert.Contains("default route", _neighbour.TryAdd("macvlan", network).RequireError(7).Message, StringComparison.Ordinal);
        _container.Delete("macvlan", network);
        Assert.Null(BridgeNet.FindLink(_container.Netns, "eth0"));
    }

    [Theory]
    [InlineData("MAC=02:00:00:00:00:07", "{}", "{}", "02:00:00:00:00:07")]
    [InlineData("", """{"mac":"02:00:00:00:00:08"}""", "{}", "02:00:00:00:00:08")]
    [InlineData("MAC=02:00:00:00:00:07", """{"mac":"02:00:00:00:00:08"}""", """{"mac":"02:00:00:00:00:09"}""", "02:00:00:00:00:08")]
    [InlineData("MAC=02:00:00:00:00:07", "{}", """{"mac":"02:00:00:00:00:09"}""", "02:00:00:00:00:07")]
    [InlineData("", "{}", """{"mac":"02:00:00:00:00:09"}""", "02:00:00:00:00:09")]
    public void MV_07_08_the_hardware_address_and_whose_word_counts(string arguments, string runtimeConfig, string extra, string mac)
    {
        CniCall add = _container.Add(
            "macvlan", SubNet.Of("macvlan", extra), new CniOptions { Arguments = arguments.Length > 0 ? arguments + ";IgnoreUnknown=1" : "", RuntimeConfig = runtimeConfig });

        Assert.Equal(mac, BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("address"));
        Assert.Equal(mac, SubNet.Interface(add)["mac"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("bridge", true)]
    [InlineData("private", false)]
    [InlineData("vepa", false)]
    public void Who_talks_to_whom_in_each_mode(string mode, bool together)
    {
        string network = SubNet.Of("macvlan", $$"""{"mode":"{{mode}}","detectDuplicates":false}""", "1.1.0", "net1", SubNet.Lan4, SubNet.Lan6);
        CniCall add = _container.Add("macvlan", network);
        _neighbour.Add("macvlan", network);

        Assert.Equal(together, _neighbour.Netns.Ping(add.Address()));
        Assert.Equal(together, _neighbour.Netns.Ping(add.Address(v6: true)));
        Assert.True(_neighbour.Netns.Ping(TestHost.LanAddress4));
        Assert.True(_neighbour.Netns.Ping(TestHost.LanAddress6));
        Assert.Equal(mode, SubNet.Data(_container.Netns, "eth0", "mode"));
    }

    [Fact]
    public void Passthru_gives_the_whole_master_to_one_container()
    {
        string network = SubNet.Of("macvlan", """{"mode":"passthru","nopromisc":true}""");
        _container.Add("macvlan", network);

        Assert.Equal("passthru", SubNet.Data(_container.Netns, "eth0", "mode"));
        Assert.Contains("uplink", _neighbour.TryAdd("macvlan", network).RequireError(7).Message, StringComparison.Ordinal);
        Assert.Null(BridgeNet.FindLink(_neighbour.Netns, "eth0"));
        _container.Check("macvlan", network);
    }

    [Fact]
    public void Source_takes_frames_from_those_addresses_only()
    {
        string lan = BridgeNet.FindLink(_host.Lan, "eth0")!.Value.Text("address")!;
        string network = SubNet.Of("macvlan", $$"""{"mode":"source","sources":["{{lan}}"]}""");
        _container.Add("macvlan", network);
        Assert.True(_container.Netns.Ping(TestHost.LanAddress4));

        _host.Lan.Ip("link set eth0 address 02:00:00:00:00:99");
        _container.Netns.Ip("neigh flush all");

        Assert.False(_container.Netns.Ping(TestHost.LanAddress4));
        _container.Check("macvlan", network);
    }

    [Theory]
    [InlineData("""{"mode":"bridged"}""")]
    [InlineData("""{"mtu":9000}""")]
    [InlineData("""{"mtu":-1}""")]
    [InlineData("""{"master":"nowhere"}""")]
    [InlineData("""{"mac":"01:00:00:00:00:01"}""")]
    [InlineData("""{"mode":"source"}""")]
    [InlineData("""{"sources":["02:00:00:00:00:01"]}""")]
    [InlineData("""{"nopromisc":true}""")]
    [InlineData("""{"hostAccess":true,"mode":"private"}""")]
    [InlineData("""{"master":"lo"}""")]
    public void What_is_wrong_is_refused_and_nothing_is_left(string extra)
    {
        World before = BridgeNet.World(_host);

        _container.TryAdd("macvlan", SubNet.Of("macvlan", extra)).RequireError(7);

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void The_queue_for_broadcasts()
    {
        _container.Add("macvlan", SubNet.Of("macvlan", """{"bcqueuelen":300,"mtu":1400}"""));

        Assert.Equal("300", SubNet.Data(_container.Netns, "eth0", "bcqueuelen"));
        Assert.Equal("1400", BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("mtu"));
    }

    /// <summary>The usual case on a server: older kernels would find the name taken.</summary>
    [Fact]
    public void The_host_has_an_interface_of_the_same_name()
    {
        _host.Netns.Ip("link add eth0 type veth peer name other");

        _container.Add("macvlan", SubNet.Of("macvlan"));

        Assert.True(_container.Netns.Ping(TestHost.LanAddress4));
        _container.Delete("macvlan", SubNet.Of("macvlan"));
        Assert.NotNull(BridgeNet.FindLink(_host.Netns, "eth0"));
    }

    [Fact]
    public void An_interface_name_that_is_taken_is_refused()
    {
        SubNet.AddInner(_container);

        _container.TryAdd("macvlan", SubNet.Of("macvlan"), new CniOptions { InterfaceName = "inner" }).RequireError(4);

        Assert.NotNull(BridgeNet.FindLink(_container.Netns, "inner"));
    }

    /// <summary>W5: the reference leaves the interface behind, and the next ADD finds its name taken.</summary>
    [Fact]
    public void W5_without_an_address_to_be_had_nothing_stays()
    {
        World before = BridgeNet.World(_host);

        _container.TryAdd("macvlan", SubNet.Of("macvlan"), SubNet.ForeignIpam(_host, """{"cniVersion":"1.0.0"}""") with { RuntimeConfig = null }).RequireSuccess();
        _container.Delete("macvlan", SubNet.Of("macvlan"));
        string foreign = BridgeNet.With(SubNet.Of("macvlan"), """{"ipam":{"type":"fixed"}}""");
        _container.TryAdd("macvlan", foreign, SubNet.ForeignIpam(_host, """{"cniVersion":"1.0.0"}""")).RequireError(7);

        BridgeNet.World(_host).Where(static line => !line.Contains("foreign", StringComparison.Ordinal)).AssertEqual(before);
    }

    /// <summary>W24 and W26: the reference ignores a route's mtu and advmss, and throws the DNS of address management away.</summary>
    [Fact]
    public void W24_W26_what_address_management_says_holds()
    {
        string foreign = BridgeNet.With(SubNet.Of("macvlan"), """{"ipam":{"type":"fixed"}}""");
        CniCall add = _container.Add("macvlan", foreign, SubNet.ForeignIpam(_host, """
            {"cniVersion":"1.1.0","ips":[{"address":"192.0.2.77/24","gateway":"192.0.2.2"}],
             "routes":[{"dst":"198.51.100.0/24","mtu":1300,"advmss":1200,"priority":77,"table":200},{"dst":"203.0.113.9/32","scope":253}],
             "dns":{"nameservers":["192.0.2.53"]}}
            """));

        Assert.Equal("192.0.2.53", add.Result.GetProperty("dns").GetProperty("nameservers")[0].GetString());
        string route = _container.Netns.Exec("/usr/sbin/ip", "route", "show", "table", "200").Output;
        Assert.Contains("mtu 1300", route, StringComparison.Ordinal);
        Assert.Contains("advmss 1200", route, StringComparison.Ordinal);
        Assert.Contains("metric 77", route, StringComparison.Ordinal);
        Assert.Contains("scope link", _container.Netns.Exec("/usr/sbin/ip", "route", "show", "203.0.113.9").Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void DEL_needs_neither_master_nor_result_nor_the_runtimes_word_for_the_namespace(bool named)
    {
        World before = BridgeNet.World(_host);
        string network = SubNet.Of("macvlan");
        _container.Add("macvlan", network);

        _container.Delete(
            "macvlan", BridgeNet.With(network, """{"master":"gone"}"""),
            new CniOptions { OmitPreviousResult = true, NetnsPath = named ? null : "" });

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("link set eth0 down")]
    [InlineData("address flush dev eth0")]
    [InlineData("link del eth0")]
    [InlineData("route del default")]
    public void CHECK_sees(string change)
    {
        string network = SubNet.Of("macvlan");
        _container.Add("macvlan", network);
        _container.Check("macvlan", network);

        _container.Netns.Ip(change);

        _container.TryCheck("macvlan", network).RequireError(100);
    }

    /// <summary>Another station has the address: by ARP for IPv4, where it is asked for, and by the kernel for IPv6, unless it is not wanted.</summary>
    [Fact]
    public void An_address_that_another_station_has_is_not_taken()
    {
        _host.Lan.Ip("address add 192.0.2.100/24 dev eth0");
        World before = BridgeNet.World(_host);
        string network = SubNet.Of("macvlan", """{"detectDuplicates":true}""");

        string message = _container.TryAdd("macvlan", network).RequireError(11).Message;

        Assert.Contains("192.0.2.100 is in use", message, StringComparison.Ordinal);
        Assert.Contains(BridgeNet.FindLink(_host.Lan, "eth0")!.Value.Text("address")!, message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
        Assert.Equal("192.0.2.101", _container.Add("macvlan", network).Address());   // the next one is free
    }

    [Fact]
    public void An_ipv6_address_that_another_station_has_is_not_taken()
    {
        _host.Lan.Ip("address add 2001:db8:1::100/64 dev eth0 nodad");
        string network = SubNet.Of("macvlan", ranges: SubNet.Lan6);

        Assert.Contains("2001:db8:1::100 is in use", _container.TryAdd("macvlan", network).RequireError(11).Message, StringComparison.Ordinal);
        Assert.Null(BridgeNet.FindLink(_container.Netns, "eth0"));
    }
}
