using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>What ipvlan, vlan and dummy have in common: each kind's whole life, and DEL when everything else is gone.</summary>
public sealed class OtherDriverTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;

    public OtherDriverTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
        SubNet.AddInner(_container);
    }

    public static TheoryData<string, bool> VersionsAndPlaces => MacvlanTests.VersionsAndPlaces;

    public void Dispose() => _host.Dispose();

    /// <summary>IV-01 and IV-02.</summary>
    [Theory, MemberData(nameof(VersionsAndPlaces))]
    [RequiresKind("ipvlan")]
    public void IV_02_an_ipvlan(string version, bool inContainer) => WholeLife("ipvlan", Ipvlan(version), inContainer);

    /// <summary>IV-03: behind a plugin that made an interface of the host and has the addresses.</summary>
    [Fact]
    [RequiresKind("ipvlan")]
    public void IV_03_an_ipvlan_behind_another_plugin()
    {
        string network = """{"cniVersion":"1.0.0","name":"net1","type":"ipvlan"}""";
        CniOptions previous = new()
        {
            PreviousResult = """{"cniVersion":"1.0.0","interfaces":[{"name":"uplink"}],"ips":[{"address":"192.0.2.50/24","interface":0}]}""",
        };

        CniCall add = _container.Add("ipvlan", network, previous);

        Assert.Equal("192.0.2.50/24", add.Addresses.Single());
        Assert.Equal("eth0", SubNet.Interface(add)["name"]!.GetValue<string>());
        Assert.True(_container.Netns.Ping(TestHost.LanAddress4));
        _container.Delete("ipvlan", network, new CniOptions { OmitPreviousResult = true });
        Assert.Null(BridgeNet.FindLink(_container.Netns, "eth0"));
    }

    [Fact]
    public void IV_04_DEL_of_what_never_was() => _container.Delete("ipvlan", Ipvlan());

    /// <summary>IV-05 and W3: the reference looks for the master again on DEL, fails without a default route, and keeps the address.</summary>
    [Fact]
    [RequiresKind("ipvlan")]
    public void IV_05_W3_without_a_master_the_default_routes_interface()
    {
        World before = BridgeNet.World(_host);
        string network = BridgeNet.With(Ipvlan(), """{"master":""}""");
        _container.Add("ipvlan", network);
        Assert.True(_container.Netns.Ping(TestHost.LanAddress4));
        _host.Netns.Ip("route del default");
        _host.Netns.Ip("-6 route del default");

        _container.Delete("ipvlan", network, new CniOptions { OmitPreviousResult = true });

        _host.Netns.Ip($"route add default via {TestHost.LanAddress4}");
        _host.Netns.Ip($"-6 route add default via {TestHost.LanAddress6}");
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("l2", "bridge", true)]
    [InlineData("l2", "private", false)]
    [InlineData("l2", "vepa", false)]
    [InlineData("l3", "bridge", true)]
    [InlineData("l3s", "bridge", true)]
    [RequiresKind("ipvlan")]
    public void Who_talks_to_whom_on_an_ipvlan(string mode, string flag, bool together)
    {
        string network = SubNet.Of(
            "ipvlan", $$"""{"mode":"{{mode}}","flag":"{{flag}}","detectDuplicates":false}""", "1.1.0", "net1", SubNet.Lan4, SubNet.Lan6);
        CniCall add = _container.Add("ipvlan", network);
        CniCall other = _neighbour.Add("ipvlan", network);
        Assert.Equal(mode, SubNet.Data(_container.Netns, "eth0", "mode"));

        Assert.Equal(together, _neighbour.Netns.Ping(add.Address()));
        Assert.Equal(together, _neighbour.Netns.Ping(add.Address(v6: true)));
        if (mode == "l2")
        {
            Assert.True(_neighbour.Netns.Ping(TestHost.LanAddress4));
            Assert.True(_neighbour.Netns.Ping(TestHost.LanAddress6));
        }
        else
        {
            // On layer 3 nobody answers who has the address: the LAN needs a route by the master.
            _host.Lan.Ip($"route add {other.Address()}/32 via {TestHost.Address4}");
            Assert.True(_neighbour.Netns.Ping(TestHost.LanAddress4));
        }

        _container.Check("ipvlan", network);
    }

    [Theory]
    [InlineData("""{"mode":"l4"}""")]
    [InlineData("""{"flag":"open"}""")]
    [InlineData("""{"ipam":{}}""")]
    [InlineData("""{"hostAccess":true,"flag":"vepa"}""")]
    public void What_is_wrong_with_an_ipvlan_is_refused(string extra) => Refused("ipvlan", SubNet.Of("ipvlan", extra));

    /// <summary>VL-03, and the same with the master in the container.</summary>
    [Theory, MemberData(nameof(VersionsAndPlaces))]
    [RequiresKind("vlan")]
    public void VL_03_a_vlan(string version, bool inContainer) => WholeLife("vlan", Vlan(version: version), inContainer);

    [Theory]
    [InlineData("""{"mtu":1400}""", "1400")]
    [InlineData("{}", "1500")]
    [RequiresKind("vlan")]
    public void VL_01_02_the_mtu_is_the_given_one_or_the_masters(string extra, string mtu)
    {
        _container.Add("vlan", Vlan(extra));

        Assert.Equal(mtu, BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("mtu"));
        Assert.Equal("7", SubNet.Data(_container.Netns, "eth0", "id"));
        _container.Check("vlan", Vlan(extra));
    }

    [Theory]
    [InlineData("""{"mtu":1501}""")]
    [InlineData("""{"mtu":-1}""")]
    [InlineData("""{"vlanId":4095}""")]
    [InlineData("""{"vlanId":-1}""")]
    [InlineData("""{"master":""}""")]
    [InlineData("""{"master":"nowhere"}""")]
    [InlineData("""{"ipam":{}}""")]
    public void VL_04_05_what_is_wrong_with_a_vlan_is_refused(string extra) => Refused("vlan", Vlan(extra));

    [Fact]
    [RequiresKind("vlan")]
    public void Frames_carry_the_tag()
    {
        CniCall add = _container.Add("vlan", Vlan());
        _host.Lan.Ip("link add link eth0 name eth0.7 type vlan id 7");
        _host.Lan.Ip("address add 192.0.2.200/24 dev eth0.7");
        _host.Lan.Ip("link set eth0.7 up");
        _host.Lan.Ip($"route add {add.Address()}/32 dev eth0.7");

        Assert.True(_container.Netns.Ping("192.0.2.200"));
        Assert.False(_host.Netns.Ping(add.Address()));
    }

    [Theory]
    [InlineData("ipvlan")]
    [InlineData("vlan")]
    [RequiresKind("ipvlan")]
    [RequiresKind("vlan")]
    public void The_host_may_have_an_interface_of_the_same_name(string type)
    {
        _host.Netns.Ip("link add eth0 type veth peer name other");

        WholeLife(type, SubNet.Of(type, """{"vlanId":7,"detectDuplicates":false}"""), inContainer: false);
    }

    /// <summary>The kernel gives each tag of a master to one interface.</summary>
    [Fact]
    [RequiresKind("vlan")]
    public void A_tag_that_is_in_use_is_refused()
    {
        _container.Add("vlan", Vlan());

        Assert.Contains("uplink carries such a vlan", _neighbour.TryAdd("vlan", Vlan()).RequireError(11).Message, StringComparison.Ordinal);
        Assert.Null(BridgeNet.FindLink(_neighbour.Netns, "eth0"));
    }

    /// <summary>W3: the reference's DEL fails when the master is gone, and keeps the address.</summary>
    [Fact]
    [RequiresKind("vlan")]
    public void W3_DEL_of_a_vlan_without_its_master()
    {
        World before = BridgeNet.World(_host);
        _host.Netns.Ip("link add other type veth peer name other2");
        _host.Netns.Ip("link set other up");
        string network = Vlan("""{"master":"other"}""");
        _container.Add("vlan", network);
        _host.Netns.Ip("link del other");

        _container.Delete("vlan", network, new CniOptions { OmitPreviousResult = true });

        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>DU-01 and DU-03.</summary>
    [Theory, MemberData(nameof(PtpTests.VersionNames), MemberType = typeof(PtpTests))]
    [RequiresKind("dummy")]
    public void DU_03_a_dummy(string version) => WholeLife("dummy", SubNet.Of("dummy", "{}", version), inContainer: false);

    [Fact]
    [RequiresKind("dummy")]
    public void DU_02_the_host_has_an_interface_of_the_same_name()
    {
        _host.Netns.Ip("link add eth0 type dummy");
        string index = BridgeNet.FindLink(_host.Netns, "eth0")!.Value.Text("ifindex")!;

        _container.Add("dummy", SubNet.Of("dummy"));
        _container.Delete("dummy", SubNet.Of("dummy"));

        Assert.Equal(index, BridgeNet.FindLink(_host.Netns, "eth0")!.Value.Text("ifindex"));
    }

    [Fact]
    public void DU_04_a_dummy_needs_addresses() => Refused("dummy", SubNet.Of("dummy", """{"ipam":{}}"""));

    /// <summary>A kernel that has not the kind says so in STATUS and in ADD, and ADD leaves nothing.</summary>
    [Theory]
    [InlineData("ipvlan")]
    [InlineData("vlan")]
    [InlineData("dummy")]
    [InlineData("macvlan")]
    public void A_kernel_without_the_kind_says_so(string type)
    {
        string network = SubNet.Of(type, """{"vlanId":7}""");
        if (Kernel.ProbeKind(type) is null)
        {
            _host.Status(type, network).RequireSuccess();
            return;
        }

        World before = BridgeNet.World(_host);
        _host.Status(type, network).RequireError(50);
        Assert.Contains(type, _container.TryAdd(type, network).RequireError(101).Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
    }

    private static string Ipvlan(string version = "1.1.0") => SubNet.Of("ipvlan", """{"detectDuplicates":false}""", version);

    private static string Vlan(string extra = "{}", string version = "1.1.0") => BridgeNet.With(SubNet.Of("vlan", """{"vlanId":7}""", version), extra);

    private void Refused(string type, string network)
    {
        World before = BridgeNet.World(_host);
        _container.TryAdd(type, network).RequireError(7);
        BridgeNet.World(_host).AssertEqual(before);
    }

    private void WholeLife(string type, string network, bool inContainer)
    {
        World before = BridgeNet.World(_host);
        network = inContainer ? SubNet.InContainer(network) : network;
        string version = Json.Object(network)["cniVersion"]!.GetValue<string>();

        CniCall add = _container.Add(type, network);

        Assert.Equal(BridgeNet.Addresses(add), BridgeNet.AddressesOf(_container.Netns, "eth0"));
        Assert.Equal(type, BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Find("linkinfo")!.Value.Text("info_kind"));
        if (string.CompareOrdinal(version, "0.4.0") >= 0)
        {
            _container.Check(type, network);
            _container.Netns.Ip("link set eth0 down");
            _container.TryCheck(type, network).RequireError(100);
        }

        _container.Delete(type, network, new CniOptions { NetnsPath = "", OmitPreviousResult = true });
        _container.Delete(type, network);
        BridgeNet.World(_host).AssertEqual(before);
    }
}
