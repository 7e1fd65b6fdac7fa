using System.Text.Json;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The plugin <c>static</c>: the reference's scenarios, in every version where they differ, and beside the reference itself.</summary>
public sealed class StaticTests : IDisposable
{
    private const string Dual =
        """ "addresses":[{"address":"10.10.0.1/24","gateway":"10.10.0.254"},{"address":"3ffe:ffff:0:1ff::1/64","gateway":"3ffe:ffff:0::1"}],"routes":[{"dst":"0.0.0.0/0"},{"dst":"192.168.0.0/16","gw":"10.10.5.1"},{"dst":"3ffe:ffff:0:1ff::1/64"}],"dns":{"nameservers":["10.10.0.1"],"domain":"example","search":["a","b"],"options":["ndots:2"]} """;

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public StaticTests()
    {
        Reference.Require();
        _container = _host.Container("web");
    }

    public void Dispose()
    {
        _container.Dispose();
        _host.Dispose();
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void ST_01_an_address_of_each_family_and_nothing_kept(string version)
    {
        World before = World.Of(_host);

        CniCall add = _container.Add("static", Network(version, Dual));

        Assert.Equal(["10.10.0.1/24", "3ffe:ffff:0:1ff::1/64"], AddressesOf(add.Result));
        SameAsReference(version, Dual);
        if (string.CompareOrdinal(version, "0.4.0") >= 0)
        {
            _container.Check("static", Network(version, Dual));
        }

        _container.Delete("static", Network(version, Dual));
        World.Of(_host).AssertEqual(before);
    }

    [Fact]
    public void ST_02_several_gateways_for_one_destination_stay_several() => SameAsReference(
        "1.0.0", """ "addresses":[{"address":"10.10.0.1/24"}],"routes":[{"dst":"0.0.0.0/0","gw":"10.10.0.254"},{"dst":"0.0.0.0/0","gw":"10.10.0.253"}] """);

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void ST_03_an_unknown_container_is_deleted(string version) => _container.Delete("static", Network(version, Dual));

    [Fact]
    public void ST_04_an_address_from_CNI_ARGS()
    {
        SameAsReference("1.0.0", """ "routes":[{"dst":"0.0.0.0/0"}] """, "", "IP=10.10.0.1/24;GATEWAY=10.10.0.254");
        SameAsReference("1.0.0", """ "addresses":[{"address":"10.10.0.5/24","gateway":"10.10.0.9"}] """, "", "IP=10.10.0.1/24;GATEWAY=10.10.0.254");
    }

    [Fact]
    public void ST_05_several_addresses_from_CNI_ARGS()
    {
        JsonElement result = SameAsReference("1.0.0", "", "", "IP=10.10.0.1/24,11.11.0.1/24,2001:db8::5/64;GATEWAY=10.10.0.254,2001:db8::1");

        Assert.Equal(["10.10.0.1/24", "11.11.0.1/24", "2001:db8::5/64"], AddressesOf(result));
        Assert.Equal("10.10.0.254", result.GetProperty("ips")[0].Text("gateway"));
        Assert.Null(result.GetProperty("ips")[1].Find("gateway"));
    }

    [Fact]
    public void ST_06_addresses_from_the_runtime() => Assert.Equal(
        ["10.10.0.1/24", "3ffe:ffff:0:1ff::1/64"],
        AddressesOf(SameAsReference("1.0.0", "", """ "runtimeConfig":{"ips":["10.10.0.1/24","3ffe:ffff:0:1ff::1/64"]} """)));

    [Fact]
    public void ST_07_addresses_from_args() => Assert.Equal(
        ["10.10.0.1/24", "3ffe:ffff:0:1ff::1/64"],
        AddressesOf(SameAsReference("1.0.0", "", """ "args":{"cni":{"ips":["10.10.0.1/24","3ffe:ffff:0:1ff::1/64"]} } """)));

    [Fact]
    public void ST_08_the_runtime_counts_more_than_args_and_these_more_than_CNI_ARGS()
    {
        const string Args = """ "args":{"cni":{"ips":["10.10.0.2/24"]} } """;
        const string Configured = """ "addresses":[{"address":"10.10.0.9/24","gateway":"10.10.0.254"}] """;
        Assert.Equal(["10.10.0.3/24"], AddressesOf(SameAsReference(
            "1.0.0", Configured, Args + ""","runtimeConfig":{"ips":["10.10.0.3/24"]} """, "IP=10.10.0.1/24")));
        Assert.Equal(["10.10.0.2/24"], AddressesOf(SameAsReference("1.0.0", Configured, Args, "IP=10.10.0.1/24")));
        Assert.Equal(["10.10.0.9/24", "10.10.0.1/24"], AddressesOf(SameAsReference("1.0.0", Configured, "", "IP=10.10.0.1/24")));
        Assert.Equal(["10.10.0.2/24"], AddressesOf(SameAsReference("1.0.0", Configured, Args + ""","runtimeConfig":{"ips":[]} """)));
    }

    [Theory]
    [InlineData(""" ,"args":{"cni":{"ips":["10.10.0.1/24"]} } """)]
    [InlineData(""" ,"runtimeConfig":{"ips":["10.10.0.1/24"]} """)]
    public void ST_09_and_10_without_ipam_it_is_said_what_is_missing(string more)
    {
        string network = $$"""{"cniVersion":"1.1.0","name":"net"{{more}}}""";

        Assert.Contains("ipam", _container.TryAdd("static", network).RequireError(7).Message, StringComparison.Ordinal);
        Assert.False(_container.TryAdd("static", network.Replace("1.1.0", "1.0.0", StringComparison.Ordinal), Peer()).Succeeded);
    }

    [Theory]
    [InlineData("ST_11 ipam", """ "addresses":[{"address":"10.10.0.1"}] """, "", "", 7)]
    [InlineData("ST_11 ipam", """ "addresses":[{"address":"10.10.0.1/33"}] """, "", "", 7)]
    [InlineData("ST_12 args", "", """ "args":{"cni":{"ips":["10.10.0.1"]} } """, "", 7)]
    [InlineData("ST_13 CNI_ARGS", "", "", "IP=10.10.0.1", 4)]
    [InlineData("ST_13 CNI_ARGS", "", "", "IP=10.10.0.1/24,", 4)]
    [InlineData("ST_14 runtimeConfig", "", """ "runtimeConfig":{"ips":["10.10.0.1"]} """, "", 7)]
    [InlineData("a gateway", """ "addresses":[{"address":"10.10.0.1/24","gateway":"10.10.0"}] """, "", "", 7)]
    [InlineData("a gateway", "", "", "IP=10.10.0.1/24;GATEWAY=nowhere", 4)]
    [InlineData("an unknown key", "", "", "MAC=02:00:00:00:00:01", 4)]
    public void ST_11_to_14_what_is_no_address_is_refused(string where, string ipam, string more, string arguments, int code)
    {
        World before = World.Of(_host);

        _container.TryAdd("static", Network("1.0.0", ipam, more), new CniOptions { Arguments = arguments }).RequireError(code);

        Assert.False(_container.TryAdd("static", Network("1.0.0", ipam, more), Peer(arguments)).Succeeded, where);
        World.Of(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("0.2.0", """ "addresses":[{"address":"10.10.0.1/24"},{"address":"10.10.0.2/24"}] """, false)]
    [InlineData("0.2.0", """ "addresses":[{"address":"10.10.0.1/24"},{"address":"2001:db8::1/64"}] """, true)]
    [InlineData("0.3.0", """ "addresses":[{"address":"10.10.0.1/24"},{"address":"10.10.0.2/24"}] """, true)]
    public void Before_0_3_0_a_family_has_one_address(string version, string ipam, bool allowed)
    {
        Assert.Equal(allowed, _container.TryAdd("static", Network(version, ipam)).Succeeded);
        Assert.Equal(allowed, _container.TryAdd("static", Network(version, ipam), Peer()).Succeeded);
    }

    [Fact]
    public void CHECK_finds_an_address_that_the_result_has_not()
    {
        _container.Add("static", Network("1.1.0", Dual));

        _container.TryCheck("static", Network("1.1.0", Dual.Replace("10.10.0.1/24", "10.10.0.2/24", StringComparison.Ordinal))).RequireError(100);
        _container.TryCheck("static", Network("1.1.0", Dual.Replace("10.10.0.254", "10.10.0.253", StringComparison.Ordinal))).RequireError(100);
        _container.TryCheck("static", Network("1.1.0", Dual), new CniOptions { OmitPreviousResult = true }).RequireError(7);
        _container.Check("static", Network("1.1.0", Dual));
    }

    [Fact]
    public void A_bridge_uses_it_in_its_own_process()
    {
        string network = """{"cniVersion":"1.1.0","name":"net","type":"bridge","bridge":"br0","isDefaultGateway":true,"ipam":{"type":"static","addresses":[{"address":"10.10.0.7/24"},{"address":"fd00:10::7/64"}]} }""";
        World before = World.Of(_host);

        _container.Add("bridge", network, new CniOptions { Environment = new Dictionary<string, string> { ["CNI_PATH"] = "/nowhere" } });

        Assert.Contains(
            _container.Netns.Ip("-j address show eth0")[0].GetProperty("addr_info").EnumerateArray(), static a => a.Text("local") == "10.10.0.7");
        Assert.Equal("10.10.0.1", _container.Netns.Ip("-j route show default")[0].Text("gateway"));
        _container.Delete("bridge", network);
        Assert.DoesNotContain(World.Of(_host).Lines.Except(before.Lines), static line => line.Contains("10.10.0.", StringComparison.Ordinal));
    }

    private static string Network(string version, string ipam, string more = "") =>
        $$"""{"cniVersion":"{{version}}","name":"net","ipam":{"type":"static"{{(ipam.Trim().Length > 0 ? "," + ipam : "")}} }{{(more.Length > 0 ? "," + more : "")}} }""";

    private static CniOptions Peer(string arguments = "") => new() { Binaries = TestHost.ReferenceBinaries, Arguments = arguments };

    private static IEnumerable<string?> AddressesOf(JsonElement result) =>
        result.Find("ips") is { } ips
            ? ips.EnumerateArray().Select(static ip => (string?)ip.Text("address"))
            : new[] { "ip4", "ip6" }.Select(family => result.GetProperty(family).Text("ip"));

    /// <summary>The result, once it was seen to be the reference's, which speaks versions up to 1.0.0.</summary>
    private JsonElement SameAsReference(string version, string ipam, string more = "", string arguments = "")
    {
        string network = Network(version, ipam, more);
        CniCall ours = _container.Add("static", network, new CniOptions { Arguments = arguments });
        if (version != "1.1.0")
        {
            Reference.AssertSame(_container.Add("static", network, Peer(arguments)), ours);
        }

        return ours.Result;
    }
}
