using System.Text.Json;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>sbr behind bridge, judged by ip.</summary>
public sealed class SbrTests : IDisposable
{
    private const string Both = $"{BridgeNet.Subnet4} {BridgeNet.Subnet6}";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public SbrTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
    }

    public void Dispose() => _host.Dispose();

    /// <summary>The container answers on its second network, whose routes are not in the main table.</summary>
    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void SB_01_an_answer_leaves_by_the_interface_of_its_source(string version)
    {
        World before = BridgeNet.World(_host);
        CniOptions second = new() { InterfaceName = "eth1" };
        _container.Add("bridge", BridgeNet.Of("10.9.0.0/24", name: "net0", bridge: "br0"));

        CniCall add = _container.AddList(List(version: version), second);

        string address = BridgeNet.Addresses(add)[0].Split('/')[0];
        Assert.Equal("100", Assert.Single(Rules(address)).Text("table"));
        Assert.Equal("10.1.0.1", Assert.Single(Routes("100"), static route => route.Text("dst") == "default").Text("gateway"));
        Assert.Contains(Routes("100"), static route => route.Text("dst") == "10.1.0.0/24");
        Assert.DoesNotContain(Routes(null), static route => route.Text("dev") == "eth1");
        Assert.Contains(Routes(null), static route => route.Text("dst") == "default" && route.Text("dev") == "eth0");
        Assert.True(_host.Netns.Ping(address));
        Assert.True(_host.Lan.TryExec("/usr/sbin/ip", "route", "add", "10.1.0.0/24", "via", TestHost.Address4).ExitCode == 0 && _host.Lan.Ping(address));
        if (string.CompareOrdinal(version, "0.4.0") >= 0)
        {
            _container.CheckList(List(version: version), second);
        }

        _container.DeleteList(List(version: version), second);
        _container.DeleteList(List(version: version), second);
        Assert.Empty(Rules(address));
        _container.Delete("bridge", BridgeNet.Of("10.9.0.0/24", name: "net0", bridge: "br0"));
        _host.Lan.Ip("route del 10.1.0.0/24");
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void SB_02_a_default_route_that_is_there_is_moved_and_not_made_twice()
    {
        _container.AddList(List(Both));

        JsonElement v4 = Assert.Single(Routes("100"), static route => route.Text("dst") == "default");
        JsonElement v6 = Assert.Single(Routes("101", 6), static route => route.Text("dst") == "default");
        Assert.Equal(("10.1.0.1", "fd00:1::1"), (v4.Text("gateway"), v6.Text("gateway")));
        Assert.DoesNotContain(Routes(null), static route => route.Text("dst") == "default");
        Assert.DoesNotContain(Routes(null, 6), static route => route.Text("dst") == "default");
    }

    /// <summary>The reference moves the link-local route as well: nobody finds the container's IPv6 neighbours any more.</summary>
    [Fact]
    public void Neighbours_are_found_over_IPv6()
    {
        CniCall add = _container.AddList(List(BridgeNet.Subnet6));

        Assert.Contains(Routes(null, 6), static route => route.Text("dst") == "fe80::/64");
        Assert.True(_host.Netns.Ping(add.Address(v6: true)));
    }

    [Fact]
    public void SB_03_each_address_has_a_table()
    {
        CniCall add = _container.AddList(List("10.1.0.0/24 10.2.0.0/24"));

        Assert.Equal(2, add.Addresses.Count);
        string[] tables = [.. add.Addresses.Select(address => Assert.Single(Rules(address.Split('/')[0])).Text("table")!)];
        Assert.Equal(["100", "101"], tables);
        Assert.Equal(["10.1.0.1", "10.2.0.1"], tables.Select(table => Routes(table).Single(static route => route.Text("dst") == "default").Text("gateway")));
        Assert.All(add.Addresses, address => Assert.True(_host.Netns.Ping(address.Split('/')[0])));
        _container.CheckList(List("10.1.0.0/24 10.2.0.0/24"));
    }

    [Fact]
    public void SB_03_tables_that_somebody_uses_are_passed_over()
    {
        _container.Netns.Ip("rule add from 10.77.0.1 table 100");
        _container.Netns.Ip("route add 10.78.0.0/24 dev lo table 101");

        CniCall add = _container.AddList(List());

        Assert.Equal("102", Assert.Single(Rules(add.Address())).Text("table"));
        _container.DeleteList(List());
        Assert.Single(Rules("10.77.0.1"));
        Assert.Single(Routes("101"));
    }

    [Fact]
    public void SB_04_a_version_that_is_not_spoken() => _container.TryAdd("sbr", Sbr("""{"cniVersion":"9.9.9"}""")).RequireError(1);

    [Fact]
    public void SB_05_a_table_that_somebody_else_fills()
    {
        const string Extra = """{"table":5000}""";
        CniCall first = _container.Add("bridge", BridgeNet.Of(Both));
        string[] before = [.. Routes(null).Concat(Routes(null, 6)).Select(static route => route.ToString())];

        _container.Add("sbr", Sbr(Extra), After(first));

        Assert.All(first.Addresses, address => Assert.Equal("5000", Assert.Single(Rules(address.Split('/')[0])).Text("table")));
        Assert.Equal(before, Routes(null).Concat(Routes(null, 6)).Select(static route => route.ToString()));
        Assert.Empty(Routes("5000"));
        _container.Check("sbr", Sbr(Extra));
        _container.Delete("sbr", Sbr(Extra));
        Assert.All(first.Addresses, address => Assert.Empty(Rules(address.Split('/')[0])));
    }

    [Theory]
    [InlineData("""{"gateways":["10.1.0.254"]}""", "10.1.0.254", "fd00:1::1")]
    [InlineData("""{"gateways":["fd00:1::fe"]}""", "10.1.0.1", "fd00:1::fe")]
    [InlineData("""{"gateways":["fd00:1::fe","10.1.0.254"]}""", "10.1.0.254", "fd00:1::fe")]
    public void SB_06_07_08_gateways_of_the_configuration(string extra, string v4, string v6)
    {
        _container.AddList(List(Both, extra));

        Assert.Equal(v4, Assert.Single(Routes("100"), static route => route.Text("dst") == "default").Text("gateway"));
        Assert.Equal(v6, Assert.Single(Routes("101", 6), static route => route.Text("dst") == "default").Text("gateway"));
        _container.CheckList(List(Both, extra));
    }

    [Theory]
    [InlineData("""{"gateways":["10.1.0.254","10.1.0.253"]}""", 7)]
    [InlineData("""{"gateways":["10.1.0"]}""", 7)]
    [InlineData("""{"gateways":"10.1.0.254"}""", 6)]
    [InlineData("""{"table":0}""", 7)]
    [InlineData("""{"table":"x"}""", 6)]
    public void SB_09_wrong_keys_change_nothing(string extra, int code)
    {
        CniCall first = _container.Add("bridge", BridgeNet.Of());
        World before = BridgeNet.World(_host);

        _container.TryAdd("sbr", Sbr(extra), After(first)).RequireError(code);

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void SB_10_source_hints_keep_the_routes_on_the_link()
    {
        CniCall add = _container.AddList(List(Both, """{"addSourceHints":true}"""));

        Assert.Equal(add.Address(), Assert.Single(Routes(null), static route => route.Text("dst") == "10.1.0.0/24").Text("prefsrc"));
        Assert.Equal(add.Address(v6: true), Assert.Single(Routes(null, 6), static route => route.Text("dst") == "fd00:1::/64").Text("prefsrc"));
        Assert.DoesNotContain(Routes(null), static route => route.Text("dst") == "default");
        Assert.True(_container.Netns.Ping("10.1.0.1"));
        Assert.True(_container.Netns.Ping("fd00:1::1"));
    }

    /// <summary>W4: the reference fails in each case, and makes a file where the namespace was.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("/run/netns/gone")]
    public void W4_DEL_without_a_namespace_is_success_and_makes_no_file(string path)
    {
        _container.AddList(List());
        CniOptions gone = path.Length > 0 ? new() { NetnsPath = path } : new() { Environment = new Dictionary<string, string> { ["CNI_NETNS"] = "" } };

        _container.Delete("sbr", Sbr(), gone);
        _container.Delete("sbr", Sbr(), gone with { OmitPreviousResult = true });

        Assert.False(Path.Exists(Path.Combine(_host.Root, "run/netns/gone")));
        Assert.DoesNotContain(BridgeNet.World(_host).Lines, static line => line.Contains(":sbr.json", StringComparison.Ordinal));
    }

    [Fact]
    public void W4_DEL_after_the_interface_has_gone_still_removes_the_rules()
    {
        CniCall add = _container.AddList(List(Both));
        _container.Netns.Ip("link del eth0");

        _container.Delete("sbr", Sbr(), new CniOptions { OmitPreviousResult = true });

        Assert.All(add.Addresses, address => Assert.Empty(Rules(address.Split('/')[0])));
    }

    [Fact]
    public void DEL_puts_the_routes_back()
    {
        CniCall first = _container.Add("bridge", BridgeNet.Of(Both));
        string[] before = Shown();
        _container.Add("sbr", Sbr(), After(first));

        _container.Delete("sbr", Sbr());

        Assert.Equal(before, Shown());
        Assert.True(_container.Netns.Ping(TestHost.LanAddress4));
    }

    /// <summary>A failed ADD leaves nothing: the gateway is on no link.</summary>
    [Fact]
    public void A_gateway_that_is_not_reached_leaves_everything_as_it_was()
    {
        CniCall first = _container.Add("bridge", BridgeNet.Of());
        string[] before = Shown();

        Assert.NotNull(_container.TryAdd("sbr", Sbr("""{"gateways":["198.51.100.1"]}"""), After(first)).ErrorCode);

        Assert.Equal(before, Shown());
        Assert.Empty(Rules(first.Address()));
    }

    /// <summary>W34: the reference's CHECK does nothing.</summary>
    [Theory]
    [InlineData("rule del table 100")]
    [InlineData("route del default table 100")]
    public void W34_CHECK_sees_what_differs(string change)
    {
        _container.AddList(List());
        _container.Check("sbr", Sbr());

        _container.Netns.Ip(change);

        _container.TryCheck("sbr", Sbr()).RequireError(100);
    }

    /// <summary>What the reference leaves has no record: rules are known by the interface's addresses, or by the result's when it is gone.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Switch_over_the_references_rules_are_removed(bool hasInterface)
    {
        CniCall first = _container.Add("bridge", BridgeNet.Of());
        _container.Netns.Ip($"rule add from {first.Address()} table 100");
        _container.Netns.Ip("rule add from 10.77.0.1 table 101");
        if (!hasInterface)
        {
            _container.Netns.Ip("link del eth0");
        }

        _container.Delete("sbr", Sbr(), After(first));

        Assert.Empty(Rules(first.Address()));
        Assert.Single(Rules("10.77.0.1"));
    }

    [Fact]
    public void Without_a_result_before_it_there_is_nothing_to_route() =>
        Assert.Contains("prevResult", _container.TryAdd("sbr", Sbr()).RequireError(7).Message, StringComparison.Ordinal);

    private JsonElement[] Rules(string source) => [.. _container.Netns.Ip($"-j {Family(source)} rule show").EnumerateArray().Where(rule => rule.Text("src") == source)];

    private JsonElement[] Routes(string? table, int family = 4) =>
        [.. _container.Netns.Ip($"-j -{family} route show table all").EnumerateArray().Where(route => route.Text("table") == table)];

    /// <summary>The main table's routes, without the protocol: it says who made them.</summary>
    private string[] Shown() =>
    [
        .. Routes(null).Concat(Routes(null, 6))
            .Select(static route => $"{route.Text("dst")} {route.Text("gateway")} {route.Text("dev")} {route.Text("prefsrc")} {route.Text("metric")}").Order(StringComparer.Ordinal),
    ];

    private static string Family(string address) => address.Contains(':', StringComparison.Ordinal) ? "-6" : "-4";

    private static CniOptions After(CniCall add) => new() { PreviousResult = add.Tool.Output };

    private static string Sbr(string extra = "{}") => BridgeNet.With("""{"cniVersion":"1.0.0","name":"net1","type":"sbr"}""", extra);

    private static string List(string subnets = BridgeNet.Subnet4, string extra = "{}", string version = "1.1.0")
    {
        string sbr = BridgeNet.With("""{"type":"sbr"}""", extra);
        return $$"""{"cniVersion":"{{version}}","name":"net1","plugins":[{{BridgeNet.Of(subnets)}},{{sbr}}]}""";
    }
}
