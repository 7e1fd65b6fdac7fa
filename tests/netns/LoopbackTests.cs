using System.Text.Json;
using System.Text.Json.Nodes;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The plugin <c>loopback</c>, beside the reference's.</summary>
public sealed class LoopbackTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public LoopbackTests()
    {
        _container = _host.Container("web");
        _container.Netns.Ip("link set lo down");   // as the kernel makes it
    }

    public void Dispose()
    {
        _container.Dispose();
        _host.Dispose();
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void LO_01_add_brings_lo_up_whatever_the_interface_name(string version)
    {
        CniCall add = _container.Add("loopback", Network(version), new CniOptions { InterfaceName = "eth7" });

        Assert.True(IsUp(_container.Netns));
        if (string.CompareOrdinal(version, "0.3.0") < 0)
        {
            Assert.Equal("127.0.0.1/8", add.Result.GetProperty("ip4").Text("ip"));
            Assert.Equal("::1/128", add.Result.GetProperty("ip6").Text("ip"));
            return;
        }

        Assert.Equal(["127.0.0.1/8", "::1/128"], add.Addresses);
        JsonElement lo = Assert.Single(add.Result.GetProperty("interfaces").EnumerateArray());
        Assert.Equal(("lo", "00:00:00:00:00:00", _container.Netns.Path), (lo.Text("name"), lo.Text("mac"), lo.Text("sandbox")));
        Assert.All(add.Result.GetProperty("ips").EnumerateArray(), static ip => Assert.Equal("0", ip.Text("interface")));
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void LO_02_del_takes_lo_down_and_again_and_without_a_namespace(string version)
    {
        World before = World.Of(_host);
        _container.Add("loopback", Network(version));

        _container.Delete("loopback", Network(version));

        Assert.False(IsUp(_container.Netns));
        World.Of(_host).AssertEqual(before);
        _container.Delete("loopback", Network(version));
        _container.Delete("loopback", Network(version), new CniOptions { NetnsPath = "", OmitPreviousResult = true });
        _container.Delete("loopback", Network(version), new CniOptions { NetnsPath = "/run/netns/gone" });
        World.Of(_host).AssertEqual(before);
    }

    /// <summary>At 1.0.0; below, the reference prints the 1.0.0 form under the older version's number.</summary>
    [Fact]
    public void It_answers_as_the_reference_does()
    {
        Reference.Require();

        CniCall theirs = _container.Add("loopback", Network("1.0.0"), Reference.Options);
        CniCall ours = _container.Add("loopback", Network("1.0.0"));

        Reference.AssertSame(theirs, ours);
    }

    [Fact]
    public void A_previous_result_is_passed_through()
    {
        const string Previous = """{"cniVersion":"1.1.0","ips":[{"address":"10.9.0.2/24"}]}""";

        CniCall add = _container.Add("loopback", Network("1.1.0"), new CniOptions { PreviousResult = Previous });

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Previous), JsonNode.Parse(add.Tool.Output)), add.ToString());
        Assert.True(IsUp(_container.Netns));
    }

    [Theory, MemberData(nameof(Versions.WithCheck), MemberType = typeof(Versions))]
    public void Check_sees_lo_down(string version)
    {
        _container.Add("loopback", Network(version));
        _container.Check("loopback", Network(version));
        _container.Check("loopback", Network(version), new CniOptions { OmitPreviousResult = true });
        _container.Netns.Ip("link set lo down");

        Assert.Contains("down", _container.TryCheck("loopback", Network(version)).RequireError(100).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_IPv6_the_result_has_IPv4_alone()
    {
        _container.Netns.SetSysctl("net/ipv6/conf/all/disable_ipv6", "1");

        Assert.Equal(["127.0.0.1/8"], _container.Add("loopback", Network("1.1.0")).Addresses);
    }

    [Fact]
    public void An_address_that_is_none_of_loopback_is_refused()
    {
        _container.Netns.Ip("address add 10.3.3.3/32 dev lo");

        Assert.Contains("10.3.3.3/32", _container.TryAdd("loopback", Network("1.1.0")).RequireError(8).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_hosts_own_lo_is_never_taken_down()
    {
        CniOptions own = new() { NetnsPath = "/proc/self/ns/net" };
        CniOptions meant = own with { Environment = new Dictionary<string, string> { ["CNI_NETNS_OVERRIDE"] = "1" } };

        _container.TryAdd("loopback", Network("1.1.0"), own).RequireError(8);
        _container.TryDelete("loopback", Network("1.1.0"), own).RequireError(8);
        _container.Delete("loopback", Network("1.1.0"), meant);

        Assert.True(IsUp(_host.Netns));
    }

    [Theory]
    [InlineData("/run/netns/gone")]
    [InlineData("/etc/hostname")]
    [InlineData("/")]
    public void Add_and_check_want_a_namespace(string path)
    {
        CniOptions options = new() { NetnsPath = path };

        Assert.Contains(path, _container.TryAdd("loopback", Network("1.1.0"), options).RequireError(8).Message, StringComparison.Ordinal);
        Assert.Contains(path, _container.TryCheck("loopback", Network("1.1.0"), options).RequireError(8).Message, StringComparison.Ordinal);
    }

    private static string Network(string version) => $$"""{"cniVersion":"{{version}}","name":"lo","type":"loopback"}""";

    private static bool IsUp(Netns netns) =>
        netns.Ip("-j link show lo")[0].GetProperty("flags").EnumerateArray().Any(static flag => flag.GetString() == "UP");
}
