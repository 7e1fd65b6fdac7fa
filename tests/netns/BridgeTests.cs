using System.Text.Json;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The plugin <c>bridge</c>: what the reference's own tests ask of it.</summary>
public sealed class BridgeTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public BridgeTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
    }

    public static TheoryData<string, int, string> BadVlans => new()
    {
        { """{"vlanTrunk":[{"minID":10}]}""", 7, "vlanTrunk[0]" },
        { """{"vlanTrunk":[{"maxID":10}]}""", 7, "vlanTrunk[0]" },
        { """{"vlanTrunk":[{"id":5},{"minID":20,"maxID":10}]}""", 7, "vlanTrunk[1]" },
        { """{"vlanTrunk":[{"minID":-1,"maxID":10}]}""", 7, "minID" },
        { """{"vlanTrunk":[{"minID":5,"maxID":4095}]}""", 7, "maxID" },
        { """{"vlanTrunk":[{"minID":4095,"maxID":4096}]}""", 7, "minID" },
        { """{"vlanTrunk":[{"minID":5,"maxID":-1}]}""", 7, "maxID" },
        { """{"vlanTrunk":[{"id":-1}]}""", 7, "id" },
        { """{"vlanTrunk":[{"id":4095}]}""", 7, "id" },
        { """{"vlanTrunk":{"id":5}}""", 6, "vlanTrunk" },
        { """{"vlan":-1}""", 7, "vlan" },
        { """{"vlan":4095}""", 7, "vlan" },
        { """{"vlan":"7"}""", 6, "vlan" },
    };

    public void Dispose()
    {
        _container.Dispose();
        _host.Dispose();
    }

    /// <summary>Kernels without VLAN filtering refuse it later and otherwise (101).</summary>
    [Theory]
    [InlineData("""{"vlanTrunk":[]}""")]
    [InlineData("""{"vlanTrunk":[{"minID":10,"maxID":20}]}""")]
    [InlineData("""{"vlanTrunk":[{"id":10},{"id":4094,"minID":1,"maxID":2}]}""")]
    [InlineData("""{"vlan":4094}""")]
    public void BR_01_BR_25_good_vlans_are_understood(string extra)
    {
        World before = BridgeNet.World(_host);
        CniCall add = _container.TryAdd("bridge", BridgeNet.Layer2(extra));

        Assert.True(add.Succeeded ? Kernel.ProbeVlanFiltering() is null : add.ErrorCode == 101, add.ToString());
        _container.Delete("bridge", BridgeNet.Layer2(extra));
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory, MemberData(nameof(BadVlans))]
    public void BR_02_BR_25_bad_vlans_are_refused_with_their_place(string extra, int code, string named)
    {
        World before = BridgeNet.World(_host);

        Assert.Contains(named, _container.TryAdd("bridge", BridgeNet.Layer2(extra)).RequireError(code).Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void BR_03_BR_15_BR_25_the_bridge_is_made_and_keeps_its_address()
    {
        Container second = _host.Container("second");

        CniCall add = _container.Add("bridge", BridgeNet.Of());
        JsonElement bridge = BridgeNet.FindLink(_host.Netns, "br1")!.Value;
        second.Add("bridge", BridgeNet.Of(), new CniOptions { Arguments = "IgnoreUnknown=1;MAC=02:00:00:00:00:01" });
        _host.Netns.Ip("link add low type veth peer name low2");
        _host.Netns.Ip("link set low address 00:00:00:00:00:01 master br1");

        Assert.Equal("bridge", bridge.Find("linkinfo")?.Text("info_kind"));
        Assert.Equal(bridge.Text("address"), BridgeNet.FindLink(_host.Netns, "br1")!.Value.Text("address"));
        Assert.Equal(bridge.Text("address"), add.Result.GetProperty("interfaces")[0].Text("mac"));
        Assert.NotEqual(bridge.Text("address"), BridgeNet.PeerOf(_host, _container).Text("address"));
        Assert.Equal("br1", BridgeNet.PeerOf(_host, _container).Text("master"));
        _host.Netns.Ip("link del low");
        second.Delete("bridge", BridgeNet.Of());
        Assert.Equal(["br1", "lo", "uplink", BridgeNet.PeerOf(_host, _container).Text("ifname")!],
            _host.Netns.Ip("-j link show").EnumerateArray().Select(static link => link.Text("ifname")!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void BR_04_an_existing_bridge_is_taken_and_stays()
    {
        _host.Netns.Ip("link add br1 address 02:00:00:00:00:99 type bridge");
        _host.Netns.Ip("address add 10.9.0.1/24 dev br1");
        _host.Netns.Ip("link set br1 mtu 1400 up");
        World before = BridgeNet.World(_host);
        string index = BridgeNet.FindLink(_host.Netns, "br1")!.Value.Text("ifindex")!;

        _container.Add("bridge", BridgeNet.Of());

        Assert.Equal(index, BridgeNet.FindLink(_host.Netns, "br1")!.Value.Text("ifindex"));
        Assert.Equal(["10.9.0.1/24", "10.1.0.1/24"], BridgeNet.AddressesOf(_host.Netns, "br1"));
        _container.Delete("bridge", BridgeNet.Of());
        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>An address that followed the ports' would leave the containers with the gateway's old one.</summary>
    [Fact]
    public void BR_15_an_existing_bridge_does_not_change_its_address_with_the_ports_either()
    {
        _host.Netns.Ip("link add br1 type bridge");
        string mac = BridgeNet.FindLink(_host.Netns, "br1")!.Value.Text("address")!;

        _container.Add("bridge", BridgeNet.Of());
        _host.Container("second").Add("bridge", BridgeNet.Of());
        _host.Netns.Ip("link add low type veth peer name low2");
        _host.Netns.Ip("link set low address 00:00:00:00:00:01 master br1");

        Assert.Equal(mac, BridgeNet.FindLink(_host.Netns, "br1")!.Value.Text("address"));
        _container.Check("bridge", BridgeNet.Of());
    }

    [Fact]
    public void A_link_of_another_kind_with_the_bridges_name_is_refused()
    {
        _host.Netns.Ip("link add br1 type veth peer name br2");
        World before = BridgeNet.World(_host);

        Assert.Contains("veth", _container.TryAdd("bridge", BridgeNet.Of()).RequireError(7).Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void BR_05_addresses_and_default_routes(string version)
    {
        foreach ((string subnets, string gateways) in new[]
        {
            ("10.1.0.0/24", "10.1.0.1/24"),
            ("fd00:1::/64", "fd00:1::1/64"),
            ("10.1.0.0/24 fd00:1::/64", "10.1.0.1/24 fd00:1::1/64"),
            ("10.1.0.0/24 fd00:1::/64 fd00:2::/64", "10.1.0.1/24 fd00:1::1/64 fd00:2::1/64"),
        })
        {
            // The two oldest versions have room for one address of each family in their results.
            if (subnets.Contains("fd00:2", StringComparison.Ordinal) && string.CompareOrdinal(version, "0.3.0") < 0)
            {
                continue;
            }

            World before = BridgeNet.World(_host);
            string network = BridgeNet.Of(subnets, version: version);
            CniCall add = _container.Add("bridge", network);
            string[] expected = gateways.Split(' ');

            Assert.Equal(version, add.Result.Text("cniVersion"));
            Assert.Equal(expected.Order(), BridgeNet.AddressesOf(_host.Netns, "br1").Order());
            Assert.Equal(BridgeNet.Addresses(add).Order(), BridgeNet.AddressesOf(_container.Netns, "eth0").Order());
            foreach (string gateway in expected.Select(static each => each.Split('/')[0]))
            {
                string family = gateway.Contains(':', StringComparison.Ordinal) ? "-6" : "-4";
                Assert.True(_container.Netns.Ping(gateway), $"{version} {gateway}");
                Assert.Contains(
                    _container.Netns.Ip($"-j {family} route show default").EnumerateArray(),
                    route => route.Text("gateway") is string via && expected.Any(each => each.StartsWith(via + "/", StringComparison.Ordinal)));
            }

            _container.Delete("bridge", network);
            BridgeNet.World(_host).AssertEqual(before);
        }
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void BR_06_layer_2(string version)
    {
        World before = BridgeNet.World(_host);
        CniCall add = _container.TryAdd("bridge", BridgeNet.Layer2(version: version));

        if (string.CompareOrdinal(version, "0.3.0") < 0)
        {
            Assert.False(add.Succeeded);   // these versions cannot say that there is no address
            BridgeNet.World(_host).AssertEqual(before);
            _container.Delete("bridge", BridgeNet.Layer2(version: version));
            return;
        }

        Assert.Equal(3, add.Result.GetProperty("interfaces").GetArrayLength());
        Assert.Empty(add.Result.Find("ips")?.EnumerateArray() ?? default);
        JsonElement port = BridgeNet.PeerOf(_host, _container);
        Assert.Equal(("br1", "UP"), (port.Text("master"), port.Text("operstate")));
        if (string.CompareOrdinal(version, "0.4.0") >= 0)
        {
            _container.Check("bridge", BridgeNet.Layer2(version: version));
        }

        _container.Delete("bridge", BridgeNet.Layer2(version: version));
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void BR_12_del_without_add(string version)
    {
        World before = BridgeNet.World(_host);

        _container.Delete("bridge", BridgeNet.Of("10.1.0.0/24 fd00:1::/64", version: version));
        _container.Delete("bridge", BridgeNet.Layer2(version: version));
        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>Disjoint subnets share a bridge, which the reference refuses for IPv4; overlapping ones do not, unless forced.</summary>
    [Theory]
    [InlineData("10.1.0.0/24", "10.2.0.0/24", false, true)]
    [InlineData("10.1.0.0/24", "10.1.0.0/16", false, false)]
    [InlineData("10.1.0.0/24", "10.1.0.0/16", true, true)]
    [InlineData("fd00:1::/64", "fd00:2::/64", false, true)]
    [InlineData("fd00:1::/64", "fd00:1::/48", false, false)]
    [InlineData("fd00:1::/64", "fd00:1::/48", true, true)]
    public void BR_13_W22_gateways_of_two_subnets_on_one_bridge(string present, string wanted, bool force, bool succeeds)
    {
        string first = present.Replace("0/", "254/", StringComparison.Ordinal).Replace("::/", "::fe/", StringComparison.Ordinal);
        _host.Netns.Ip("link add br1 address 02:00:00:00:00:99 type bridge");
        _host.Netns.Ip($"address add {first} dev br1 {(first.Contains(':', StringComparison.Ordinal) ? "nodad" : "")}");
        _host.Netns.Ip("link set br1 up");
        World before = BridgeNet.World(_host);
        string network = BridgeNet.Of(wanted, $$"""{"forceAddress":{{(force ? "true" : "false")}}}""");

        CniCall add = _container.TryAdd("bridge", network);

        if (!succeeds)
        {
            Assert.Contains(first, add.RequireError(7).Message, StringComparison.Ordinal);
            BridgeNet.World(_host).AssertEqual(before);
            return;
        }

        Assert.Equal(force ? 1 : 2, BridgeNet.AddressesOf(_host.Netns, "br1").Count);
        Assert.True(_container.Netns.Ping(add.RequireSuccess().Result.GetProperty("ips")[0].Text("gateway")!));
    }

    [Fact]
    public void W22_several_ranges_of_one_family()
    {
        string network = BridgeNet.Of("10.1.0.0/24 10.2.0.0/24 10.3.0.0/24 fd00:1::/64 fd00:2::/64");
        World before = BridgeNet.World(_host);

        Assert.Equal(5, _container.Add("bridge", network).Addresses.Count);

        Assert.True(_container.Netns.Ping("10.1.0.1") && _container.Netns.Ping("10.3.0.1") && _container.Netns.Ping("fd00:2::1"));
        _container.Check("bridge", network);
        _container.Delete("bridge", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void BR_14_promiscuous_bridge()
    {
        _container.Add("bridge", BridgeNet.Of(extra: """{"promiscMode":true}"""));

        Assert.Contains("PROMISC", BridgeNet.FindLink(_host.Netns, "br1")!.Value.GetProperty("flags").EnumerateArray().Select(static f => f.GetString()));
        Assert.Contains(
            "exclude each other",
            _host.Container("second").TryAdd("bridge", BridgeNet.Of(extra: """{"promiscMode":true,"hairpinMode":true}""")).RequireError(7).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", """{}""", """{}""", null)]
    [InlineData("IgnoreUnknown=1;MAC=02:00:00:00:00:0a", """{}""", """{}""", "02:00:00:00:00:0a")]
    [InlineData("IgnoreUnknown=1;MAC=02:00:00:00:00:0a", """{"args":{"cni":{"mac":"02:00:00:00:00:0b"}}}""", """{}""", "02:00:00:00:00:0b")]
    [InlineData("IgnoreUnknown=1;MAC=02:00:00:00:00:0a", """{"args":{"cni":{"mac":"02:00:00:00:00:0b"}}}""", """{"mac":"02:00:00:00:00:0c"}""", "02:00:00:00:00:0c")]
    [InlineData("", """{}""", """{"mac":"02-00-00-00-00-0C"}""", "02:00:00:00:00:0c")]
    public void BR_16_the_containers_address_comes_from_three_places(string arguments, string extra, string runtimeConfig, string? expected)
    {
        CniCall add = _container.Add("bridge", BridgeNet.Of(extra: extra), new CniOptions { Arguments = arguments, RuntimeConfig = runtimeConfig });

        string actual = BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("address")!;
        Assert.Equal(expected ?? actual, actual);
        Assert.Equal(actual, add.Result.GetProperty("interfaces")[2].Text("mac"));
    }

    [Theory]
    [InlineData("MAC=01:00:00:00:00:0a", 7)]
    [InlineData("MAC=02:00:00:00:00", 7)]
    [InlineData("MAC=", 0)]
    [InlineData("FOO=1", 4)]
    [InlineData("MAC", 4)]
    public void BR_16_bad_addresses_and_arguments(string arguments, int code)
    {
        CniCall add = _container.TryAdd("bridge", BridgeNet.Layer2(), new CniOptions { Arguments = arguments });

        Assert.Equal(code, add.ErrorCode ?? 0);
    }

    [Theory]
    [InlineData("another kind of link has the bridge's name", "link add br1 type veth peer name br2", """{}""", 7)]
    [InlineData("the gateway's subnet is there", "address add 10.1.0.9/16 dev br1", """{}""", 7)]
    [InlineData("a route that leads nowhere", "", """{"ipam":{"type":"host-local","subnet":"10.1.0.0/24","routes":[{"dst":"10.9.0.0/16","gw":"10.77.0.1"}]}}""", 0)]
    [InlineData("a port that is taken", "", """{"runtimeConfig":{"portMappings":[{"hostPort":8099,"containerPort":80}]}}""", 11)]
    [InlineData("a bridge without VLAN filtering", "", """{"vlan":5}""", 7)]
    public void BR_17_the_address_is_released_when_a_later_step_fails(string step, string preparation, string extra, int code)
    {
        if (!preparation.StartsWith("link", StringComparison.Ordinal))
        {
            _host.Netns.Ip("link add br1 address 02:00:00:00:00:99 type bridge");
            _host.Netns.Ip("link set br1 up");
        }

        if (preparation.Length > 0)
        {
            _host.Netns.Ip(preparation);
        }

        using TcpEcho taken = new(_host.Netns, 8099);
        World before = BridgeNet.World(_host);
        CniCall add = _container.TryAdd("bridge", BridgeNet.Of(extra: extra));

        Assert.False(add.Succeeded, step);
        Assert.True(code == 0 || code == add.ErrorCode, $"{step}: {add}");
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"ipMasqBackend":"iptables"}""")]
    [InlineData("""{"ipMasqBackend":"nftables"}""")]
    public void BR_18_masquerade(string extra)
    {
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", extra);
        using TcpEcho server4 = new(_host.Lan, 8000);
        using TcpEcho server6 = new(_host.Lan, 8000, "::");
        CniCall add = _container.Add("bridge", network);

        Assert.Contains(add.Address(), Assert.Single(BridgeNet.Elements(_host, "masqueraded4")), StringComparison.Ordinal);
        Assert.Contains(add.Address(v6: true), Assert.Single(BridgeNet.Elements(_host, "masqueraded6")), StringComparison.Ordinal);
        Assert.Contains(_container.Id, BridgeNet.Elements(_host, "masqueraded4")[0], StringComparison.Ordinal);
        Assert.Equal($"answered by lan (saw {TestHost.Address4})", Reach.Tcp(_container.Netns, TestHost.LanAddress4, 8000).ToString());
        Assert.Equal($"answered by lan (saw {TestHost.Address6})", Reach.Tcp(_container.Netns, TestHost.LanAddress6, 8000).ToString());

        Container second = _host.Container("second");
        second.Add("bridge", network);
        _container.Delete("bridge", network);
        Assert.DoesNotContain(add.Address() + "\"", Assert.Single(BridgeNet.Elements(_host, "masqueraded4")), StringComparison.Ordinal);
        second.Delete("bridge", network);
        Assert.False(BridgeNet.HasTable(_host));
    }

    [Fact]
    public void BR_18_another_backend_is_refused() => Assert.Contains(
        "ipMasqBackend", _container.TryAdd("bridge", BridgeNet.Of(extra: """{"ipMasqBackend":"ebtables"}""")).RequireError(7).Message, StringComparison.Ordinal);

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void BR_19_add_check_del(string version)
    {
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", version: version);
        World before = BridgeNet.World(_host);
        _container.Add("bridge", network);

        if (string.CompareOrdinal(version, "0.4.0") < 0)
        {
            _container.TryCheck("bridge", network).RequireError(1);
        }
        else
        {
            _container.Check("bridge", network);
            _container.TryCheck("bridge", network, new CniOptions { OmitPreviousResult = true }).RequireError(7);
        }

        _container.Delete("bridge", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void BR_20_frames_with_another_source_address_are_dropped()
    {
        string network = BridgeNet.Of(extra: """{"macspoofchk":true}""");
        Container second = _host.Container("second");
        World before = BridgeNet.World(_host);
        second.Add("bridge", BridgeNet.Of());
        CniCall add = _container.Add("bridge", network);
        string mac = add.Result.GetProperty("interfaces")[2].Text("mac")!;

        Assert.Contains(mac, Assert.Single(BridgeNet.Elements(_host, "allowed")), StringComparison.Ordinal);
        Assert.Contains(_container.Id, Assert.Single(BridgeNet.Elements(_host, "guarded")), StringComparison.Ordinal);
        Assert.True(_container.Netns.Ping("10.1.0.1"));
        _container.Netns.Ip("link set eth0 address 02:00:00:00:00:77");
        Assert.False(_container.Netns.Ping("10.1.0.1"));
        _container.Netns.Ip($"link set eth0 address {mac}");
        Assert.True(_container.Netns.Ping("10.1.0.1"));
        second.Netns.Ip("link set eth0 address 02:00:00:00:00:78");
        Assert.True(second.Netns.Ping("10.1.0.1"));

        _container.Delete("bridge", network);
        Assert.Empty(BridgeNet.Elements(_host, "allowed"));
        Assert.Empty(BridgeNet.Elements(_host, "guarded"));
        second.Delete("bridge", BridgeNet.Of());
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void BR_21_an_interface_left_down_has_no_addresses() => Assert.Contains(
        "disableContainerInterface",
        _container.TryAdd("bridge", BridgeNet.Of(extra: """{"disableContainerInterface":true}""")).RequireError(7).Message,
        StringComparison.Ordinal);

    [Fact]
    public void BR_22_the_containers_interface_stays_down()
    {
        string network = BridgeNet.Layer2("""{"disableContainerInterface":true}""");
        World before = BridgeNet.World(_host);
        _container.Add("bridge", network);

        Assert.Equal("DOWN", BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("operstate"));
        _container.Check("bridge", network);
        _container.Delete("bridge", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void BR_23_BR_24_port_isolation(bool isolated)
    {
        string network = BridgeNet.Of(extra: $$"""{"portIsolation":{{(isolated ? "true" : "false")}}}""");
        Container second = _host.Container("second");
        CniCall other = second.Add("bridge", network);

        _container.Add("bridge", network);

        Assert.Equal(isolated ? "True" : "False", BridgeNet.PortSetting(BridgeNet.PeerOf(_host, _container), "isolated"));
        Assert.True(_container.Netns.Ping("10.1.0.1"));
        Assert.Equal(!isolated, _container.Netns.Ping(other.Address()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Hairpin_mode_and_mtu_are_set(bool set)
    {
        _container.Add("bridge", BridgeNet.Of(extra: set ? """{"hairpinMode":true,"mtu":1400}""" : "{}"));

        Assert.Equal(set ? "True" : "False", BridgeNet.PortSetting(BridgeNet.PeerOf(_host, _container), "hairpin"));
        string mtu = set ? "1400" : "1500";
        Assert.Equal(mtu, BridgeNet.FindLink(_host.Netns, "br1")!.Value.Text("mtu"));
        Assert.Equal(mtu, BridgeNet.PeerOf(_host, _container).Text("mtu"));
        Assert.Equal(mtu, BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("mtu"));
    }

    /// <summary>A bridge that has the LAN as a port: other stations are there, which nobody here gave an address.</summary>
    [Fact]
    public void An_address_that_a_station_on_the_LAN_has_is_not_taken()
    {
        _host.Netns.Ip("link add br1 type bridge");
        _host.Netns.Ip("link set br1 up");
        _host.Netns.Ip("link set uplink master br1");
        _host.Lan.Ip("address add 192.0.2.100/24 dev eth0");
        string network = SubNet.Of("bridge", """{"bridge":"br1","detectDuplicates":true}""");
        World before = BridgeNet.World(_host);

        Assert.Contains("192.0.2.100 is in use", _container.TryAdd("bridge", network).RequireError(11).Message, StringComparison.Ordinal);

        BridgeNet.World(_host).AssertEqual(before);
        Assert.Equal("192.0.2.101", _container.Add("bridge", network).Address());
        Assert.True(_container.Netns.Ping(TestHost.LanAddress4));
    }
}
