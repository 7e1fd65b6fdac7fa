using System.Text.Json;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>vrf behind bridge, judged by ip.</summary>
[RequiresKind("vrf")]
public sealed class VrfTests : IDisposable
{
    private const string Both = $"{BridgeNet.Subnet4} {BridgeNet.Subnet6}";

    private static readonly CniOptions s_second = new() { InterfaceName = "eth1" };

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public VrfTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void VR_01_the_result_passes_through()
    {
        CniCall first = _container.Add("bridge", BridgeNet.Of(Both));

        CniCall add = _container.Add("vrf", Vrf("blue", version: "1.1.0"), After(first));

        Assert.Equal(first.Tool.Output.Trim(), add.Tool.Output.Trim());
    }

    [Theory]
    [InlineData("0.3.1")]
    [InlineData("0.4.0")]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void VR_02_09_the_VRF_is_made_with_the_interface_in_it(string version)
    {
        World before = BridgeNet.World(_host);

        _container.AddList(List("blue", version: version));

        JsonElement vrf = BridgeNet.FindLink(_container.Netns, "blue")!.Value;
        Assert.Equal(("vrf", "1"), (vrf.GetProperty("linkinfo").Text("info_kind"), vrf.GetProperty("linkinfo").GetProperty("info_data").Text("table")));
        Assert.Contains(vrf.GetProperty("flags").EnumerateArray(), static flag => flag.GetString() == "UP");
        Assert.Equal("blue", MasterOf("eth0"));
        if (version != "0.3.1")
        {
            _container.CheckList(List("blue", version: version));
        }

        _container.DeleteList(List("blue", version: version));
        _container.DeleteList(List("blue", version: version));

        // The rule that the kernel makes with a namespace's first VRF, and never again.
        BridgeNet.World(_host).Except("l3mdev").AssertEqual(before);
    }

    [Fact]
    public void VR_03_routes_and_addresses_go_along()
    {
        CniCall first = _container.Add("bridge", BridgeNet.Of(Both));
        _container.Netns.Ip("route add 198.51.100.0/24 via 10.1.0.254 dev eth0 metric 5 mtu 1300");
        _container.Netns.Ip("route add 10.66.0.0/24 dev eth0 scope link");
        _container.Netns.Ip("-6 route add 2001:db8:77::/64 via fd00:1::fe dev eth0");
        string[] before = Routes(null);

        _container.Add("vrf", Vrf("blue", """{"table":1000}"""), After(first));

        Assert.Equal(before, Routes("1000"));
        Assert.Empty(Routes(null));
        Assert.Equal(first.Addresses.Order(StringComparer.Ordinal), BridgeNet.AddressesOf(_container.Netns, "eth0").Order(StringComparer.Ordinal));
        Assert.All(first.Addresses, address => Assert.True(_host.Netns.Ping(address.Split('/')[0])));
        _container.Delete("vrf", Vrf("blue", """{"table":1000}"""));
        Assert.Equal(before, Routes(null));
        Assert.Null(MasterOf("eth0"));
    }

    [Fact]
    public void VR_04_only_the_interfaces_own_routes_move()
    {
        _container.Add("bridge", BridgeNet.Of("10.9.0.0/24 fd00:9::/64", name: "net0", bridge: "br0"));
        string[] before = Routes(null);

        _container.AddList(List("blue"), s_second);

        Assert.Equal(before, Routes(null));
        Assert.NotEmpty(Routes("1"));
    }

    [Fact]
    public void VR_05_an_interface_with_a_master_is_refused()
    {
        CniCall first = _container.Add("bridge", BridgeNet.Of());
        _container.Netns.Ip("link add other type bridge");
        _container.Netns.Ip("link set eth0 master other");

        Assert.Contains("other", _container.TryAdd("vrf", Vrf("blue"), After(first)).RequireError(7).Message, StringComparison.Ordinal);

        Assert.Null(BridgeNet.FindLink(_container.Netns, "blue"));
        Assert.Equal("other", MasterOf("eth0"));
    }

    [Theory]
    [InlineData("blue", "blue", "10.2.0.0/24 fd00:2::/64")]
    [InlineData("blue", "red", "10.2.0.0/24 fd00:2::/64")]
    [InlineData("blue", "red", Both)]
    public void VR_06_two_interfaces(string one, string two, string subnets)
    {
        string list2 = List(two, subnets, name: "net2", bridge: "br2");
        CniCall first = _container.AddList(List(one));
        CniCall second = _container.AddList(list2, s_second);

        Assert.Equal((one, two), (MasterOf("eth0"), MasterOf("eth1")));
        Assert.Contains(Routes("1"), static route => route.Contains("dev eth0", StringComparison.Ordinal));
        Assert.Contains(Routes(one == two ? "1" : "2"), static route => route.Contains("dev eth1", StringComparison.Ordinal));
        _container.CheckList(List(one));
        _container.CheckList(list2, s_second);
        if (subnets == Both)
        {
            Assert.Equal(first.Addresses, second.Addresses);   // the same addresses, in tables of their own
        }

        _container.DeleteList(List(one));
        Assert.Equal(two, MasterOf("eth1"));
        _container.CheckList(list2, s_second);
    }

    [Fact]
    public void VR_07_a_VRF_with_another_table_is_refused()
    {
        CniCall first = _container.Add("bridge", BridgeNet.Of());
        _container.Netns.Ip("link add blue type vrf table 7");

        Assert.Contains("7", _container.TryAdd("vrf", Vrf("blue", """{"table":8}"""), After(first)).RequireError(7).Message, StringComparison.Ordinal);

        Assert.Null(MasterOf("eth0"));
        _container.Add("vrf", Vrf("blue"), After(first));
        Assert.Equal("blue", MasterOf("eth0"));
    }

    [Fact]
    public void VR_08_the_VRF_goes_with_its_last_member()
    {
        string list2 = List("blue", "10.2.0.0/24", name: "net2", bridge: "br2");
        _container.AddList(List("blue"));
        _container.AddList(list2, s_second);

        _container.DeleteList(List("blue"));
        Assert.NotNull(BridgeNet.FindLink(_container.Netns, "blue"));
        _container.DeleteList(list2, s_second);

        Assert.Null(BridgeNet.FindLink(_container.Netns, "blue"));
    }

    [Theory]
    [InlineData("", "1")]
    [InlineData("1", "2")]
    [InlineData("1 2 4", "3")]
    [InlineData("2 3", "1")]
    public void VR_10_the_lowest_table_that_no_VRF_has(string taken, string expected)
    {
        foreach (string table in taken.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            _container.Netns.Ip($"link add other{table} type vrf table {table}");
        }

        _container.AddList(List("blue"));

        Assert.Equal(expected, BridgeNet.FindLink(_container.Netns, "blue")!.Value.GetProperty("linkinfo").GetProperty("info_data").Text("table"));
    }

    [Theory]
    [InlineData("""{"vrfname":""}""", 7)]
    [InlineData("""{"vrfname":"a/b"}""", 7)]
    [InlineData("""{"vrfname":7}""", 6)]
    [InlineData("""{"vrfname":"eth0"}""", 7)]
    [InlineData("""{"vrfname":"blue","table":-1}""", 7)]
    [InlineData("""{"vrfname":"blue","table":"x"}""", 6)]
    public void Wrong_keys_change_nothing(string extra, int code)
    {
        CniCall first = _container.Add("bridge", BridgeNet.Of());
        World before = BridgeNet.World(_host);

        _container.TryAdd("vrf", BridgeNet.With(Vrf("blue"), extra), After(first)).RequireError(code);

        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>W14: the reference fails when the interface is gone and the VRF has other members.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void W14_DEL_after_the_interface_has_gone(bool hasOther)
    {
        _container.AddList(List("blue"));
        if (hasOther)
        {
            _container.AddList(List("blue", "10.2.0.0/24", name: "net2", bridge: "br2"), s_second);
        }

        _container.Netns.Ip("link del eth0");
        _container.Delete("vrf", Vrf("blue"), new CniOptions { OmitPreviousResult = true });

        Assert.Equal(hasOther, BridgeNet.FindLink(_container.Netns, "blue") is not null);
        Assert.Equal(hasOther ? "blue" : null, hasOther ? MasterOf("eth1") : null);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/run/netns/gone")]
    public void DEL_without_a_namespace_or_a_configuration(string path)
    {
        _container.AddList(List("blue"));
        CniOptions gone = path.Length > 0 ? new() { NetnsPath = path } : new() { Environment = new Dictionary<string, string> { ["CNI_NETNS"] = "" } };

        _container.Delete("vrf", """{"cniVersion":"1.0.0","name":"net1","type":"vrf"}""", gone with { OmitPreviousResult = true });
        _container.Delete("vrf", """{"cniVersion":"1.0.0","name":"net1","type":"vrf"}""", gone with { OmitPreviousResult = true });

        Assert.False(Path.Exists(Path.Combine(_host.Root, "run/netns/gone")));
        Assert.DoesNotContain(BridgeNet.World(_host).Lines, static line => line.Contains(":vrf.json", StringComparison.Ordinal));
    }

    /// <summary>W25: the reference loses the route when another interface has one to the same destination, for the kernel shows both as one.</summary>
    [Fact]
    public void W25_an_IPv6_default_route_that_is_part_of_a_multipath_route_is_kept()
    {
        _container.Add("bridge", BridgeNet.Of("fd00:9::/64", name: "net0", bridge: "br0"));
        CniCall first = _container.Add("bridge", BridgeNet.Of(BridgeNet.Subnet6), s_second);
        JsonElement both = _container.Netns.Ip("-j -6 route show default").EnumerateArray().Single();
        Assert.Equal(2, both.GetProperty("nexthops").GetArrayLength());

        _container.Add("vrf", Vrf("blue"), After(first) with { InterfaceName = "eth1" });

        Assert.Contains(Routes("1"), static route => route.StartsWith("default via fd00:1::1 dev eth1", StringComparison.Ordinal));
        Assert.Contains(Routes(null), static route => route.StartsWith("default via fd00:9::1 dev eth0", StringComparison.Ordinal));
        Assert.True(_host.Netns.Ping(first.Address(v6: true)));
    }

    [Fact]
    public void CHECK_sees_what_differs()
    {
        _container.AddList(List("blue"));

        _container.Netns.Ip("link set eth0 nomaster");

        Assert.Contains("blue", _container.TryCheck("vrf", Vrf("blue")).RequireError(100).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Switch_over_the_references_VRF_is_removed()
    {
        Reference.Require();
        string bridge = BridgeNet.Of(version: "1.0.0");
        CniCall first = _container.Add("bridge", bridge, Reference.Options);
        _container.Add("vrf", Vrf("blue"), After(first) with { Binaries = TestHost.ReferenceBinaries });

        _container.Check("vrf", Vrf("blue"));
        _container.Delete("vrf", Vrf("blue"));

        Assert.Null(BridgeNet.FindLink(_container.Netns, "blue"));
        Assert.Null(MasterOf("eth0"));
        _container.Delete("bridge", bridge);
    }

    private string? MasterOf(string link) => BridgeNet.FindLink(_container.Netns, link)!.Value.Text("master");

    /// <summary>A table's routes but for those that the kernel makes by itself; null: the main one's.</summary>
    private string[] Routes(string? table) =>
    [
        .. new[] { "-4", "-6" }.SelectMany(family => _container.Netns.Ip($"-j {family} route show table all").EnumerateArray())
            .Where(route => route.Text("table") == table && route.Text("type") is null or "unicast")
            .Where(static route => !route.Text("dst")!.StartsWith("fe80:", StringComparison.Ordinal) && !route.Text("dst")!.StartsWith("ff00:", StringComparison.Ordinal))
            .Select(static route => $"{route.Text("dst")} via {route.Text("gateway")} dev {route.Text("dev")} metric {route.Text("metric")} {route.Find("metrics")}")
            .Order(StringComparer.Ordinal),
    ];

    private static CniOptions After(CniCall add) => new() { PreviousResult = add.Tool.Output };

    private static string Vrf(string vrf, string extra = "{}", string version = "1.0.0") =>
        BridgeNet.With($$"""{"cniVersion":"{{version}}","name":"net1","type":"vrf","vrfname":"{{vrf}}"}""", extra);

    private static string List(string vrf, string subnets = Both, string version = "1.1.0", string name = "net1", string bridge = "br1") =>
        $$"""{"cniVersion":"{{version}}","name":"{{name}}","plugins":[{{BridgeNet.Of(subnets, name: name, bridge: bridge)}},{"type":"vrf","vrfname":"{{vrf}}"}]}""";
}
