using System.Text.Json;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The plugin <c>host</c>: it answers with what is there, and never changes a thing.</summary>
public sealed class HostTests : IDisposable
{
    private const string Network = """{"cniVersion":"1.1.0","name":"shared","type":"host"}""";

    private static readonly CniOptions s_own = new() { NetnsPath = "/proc/self/ns/net" };
    private static readonly CniOptions s_unset = new() { NetnsPath = "" };

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public HostTests() => _container = _host.Container("web");

    public void Dispose()
    {
        _container.Dispose();
        _host.Dispose();
    }

    [Fact]
    public void The_result_has_the_hosts_interfaces_and_global_addresses()
    {
        World before = World.Of(_host);

        CniCall add = _container.Add("host", Network, s_own);

        JsonElement[] interfaces = [.. add.Result.GetProperty("interfaces").EnumerateArray()];
        Assert.Equal(["lo", "uplink"], interfaces.Select(static i => i.Text("name")));
        Assert.All(interfaces, static i => Assert.Null(i.Find("sandbox")));
        Assert.Equal(_host.Netns.Ip("-j link show uplink")[0].Text("address"), interfaces[1].Text("mac"));
        Assert.Equal(
            [(TestHost.Address4 + "/24", "1"), (TestHost.Address6 + "/64", "1")],
            add.Result.GetProperty("ips").EnumerateArray().Select(static ip => (ip.Text("address")!, ip.Text("interface")!)));
        World.Of(_host).AssertEqual(before);
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void Every_version_and_verb_works_without_CNI_NETNS_and_changes_nothing(string version)
    {
        string network = $$"""{"cniVersion":"{{version}}","name":"shared","type":"host"}""";
        World before = World.Of(_host);

        _container.Add("host", network, s_unset);
        if (string.CompareOrdinal(version, "0.4.0") >= 0)
        {
            _container.Check("host", network, s_unset);
        }

        _container.Delete("host", network, s_unset);
        _container.Delete("host", network, s_own);
        _container.Delete("host", network);
        World.Of(_host).AssertEqual(before);
    }

    [Fact]
    public void Another_namespace_is_refused_with_what_to_use_instead()
    {
        World before = World.Of(_host);

        foreach (string path in new[] { _container.Netns.Path, "/run/netns/gone", "/etc/hostname" })
        {
            foreach (string verb in new[] { "ADD", "CHECK" })
            {
                CniOptions options = new() { NetnsPath = path, PreviousResult = """{"cniVersion":"1.1.0"}""" };
                string message = _container.Call(verb, "host", Network, options).RequireError(8).Message;
                Assert.Contains(path, message, StringComparison.Ordinal);
                Assert.Contains("\"bridge\"", message, StringComparison.Ordinal);
                Assert.Contains("\"none\"", message, StringComparison.Ordinal);
            }
        }

        World.Of(_host).AssertEqual(before);
    }

    [Fact]
    public void Published_ports_are_answered_with_a_warning()
    {
        World before = World.Of(_host);
        CniOptions options = s_own with { RuntimeConfig = """{"portMappings":[{"HostPort":8080,"containerPort":80,"protocol":"tcp"}]}""" };

        CniCall add = _container.Add("host", Network, options);

        Assert.Contains("reachable already", add.Tool.Error, StringComparison.Ordinal);
        Assert.Single(add.Tool.Error.TrimEnd('\n').Split('\n'));
        Assert.Equal("", _container.Add("host", Network, s_own with { RuntimeConfig = """{"portMappings":[]}""" }).Tool.Error);
        World.Of(_host).AssertEqual(before);
    }

    [Fact]
    public void What_is_down_or_a_port_without_addresses_is_left_out()
    {
        _host.Netns.Ip("link add br0 type bridge");
        _host.Netns.Ip("link add port type veth peer name idle");
        _host.Netns.Ip("link set port master br0 up");
        _host.Netns.Ip("link set br0 up");
        _host.Netns.Ip("address add 10.5.0.1/24 dev br0");

        CniCall add = _container.Add("host", Network, s_own);

        JsonElement[] interfaces = [.. add.Result.GetProperty("interfaces").EnumerateArray()];
        Assert.Equal(["lo", "uplink", "br0"], interfaces.Select(static i => i.Text("name")));
        JsonElement ip = add.Result.GetProperty("ips").EnumerateArray().Single(static ip => ip.Text("address") == "10.5.0.1/24");
        Assert.Equal("2", ip.Text("interface"));
    }

    [Fact]
    public void The_result_of_a_plugin_before_is_not_the_answer_and_dns_is_passed_on()
    {
        CniOptions chained = s_own with { PreviousResult = """{"cniVersion":"1.1.0","ips":[{"address":"10.9.0.2/24"}]}""" };

        CniCall add = _container.Add("host", """{"cniVersion":"1.1.0","name":"shared","type":"host","dns":{"search":["example.org"]}}""", chained);

        Assert.DoesNotContain("10.9.0.2/24", add.Addresses);
        Assert.Equal("example.org", add.Result.GetProperty("dns").GetProperty("search")[0].GetString());
    }

    [Theory]
    [InlineData("address del 192.0.2.1/24 dev uplink", "192.0.2.1/24")]
    [InlineData("link set uplink down", "down")]
    [InlineData("link del uplink", "gone")]
    [InlineData("link set uplink address 02:00:00:00:00:77", "02:00:00:00:00:77")]
    public void Check_sees_what_changed(string change, string named)
    {
        _container.Add("host", Network, s_own);
        _container.Check("host", Network, s_own);
        _host.Netns.Ip(change);

        Assert.Contains(named, _container.TryCheck("host", Network, s_own).RequireError(100).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_needs_a_result_and_passes_over_a_containers_interfaces()
    {
        const string Foreign = """
            {"cniVersion":"1.1.0","interfaces":[{"name":"eth0","sandbox":"/run/netns/x"}],"ips":[{"address":"10.9.0.2/24","interface":0}]}
            """;

        _container.TryCheck("host", Network, s_own with { OmitPreviousResult = true }).RequireError(7);
        _container.Check("host", Network, s_own with { PreviousResult = Foreign });
        _container.TryCheck("host", Network, s_own with
        {
            PreviousResult = """{"cniVersion":"1.1.0","interfaces":[{"name":"a name that no interface can have"}]}""",
        }).RequireError(100);
    }
}
