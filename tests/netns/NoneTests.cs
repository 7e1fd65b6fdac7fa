using System.Text.Json;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The plugin <c>none</c>.</summary>
public sealed class NoneTests : IDisposable
{
    private const string Network = """{"cniVersion":"1.1.0","name":"off","type":"none"}""";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public NoneTests()
    {
        _container = _host.Container("alone");
        _container.Netns.Ip("link set lo down");
    }

    public void Dispose()
    {
        _container.Dispose();
        _host.Dispose();
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void A_container_has_lo_alone(string version)
    {
        string network = $$"""{"cniVersion":"{{version}}","name":"off","type":"none"}""";

        CniCall add = _container.Add("none", network);

        Assert.Equal("lo", Assert.Single(_container.Netns.Ip("-j link show up").EnumerateArray()).Text("ifname"));
        if (string.CompareOrdinal(version, "0.3.0") >= 0)
        {
            JsonElement lo = Assert.Single(add.Result.GetProperty("interfaces").EnumerateArray());
            Assert.Equal(("lo", _container.Netns.Path), (lo.Text("name"), lo.Text("sandbox")));
            Assert.Equal(["127.0.0.1/8", "::1/128"], add.Addresses);
            Assert.All(add.Result.GetProperty("ips").EnumerateArray(), static ip => Assert.Equal("0", ip.Text("interface")));
        }
        else
        {
            Assert.Equal(("127.0.0.1/8", "::1/128"), (add.Result.GetProperty("ip4").Text("ip"), add.Result.GetProperty("ip6").Text("ip")));
        }

        _container.Delete("none", network);
    }

    [Fact]
    public void Delete_leaves_all_as_it_is_and_needs_nothing()
    {
        _container.Add("none", Network);
        World added = World.Of(_host);

        _container.Delete("none", Network);
        _container.Delete("none", Network, new CniOptions { NetnsPath = "", OmitPreviousResult = true });
        _container.Delete("none", Network, new CniOptions { NetnsPath = "/run/netns/gone" });

        World.Of(_host).AssertEqual(added);
        Assert.True(_container.Netns.Ping("127.0.0.1"));
    }

    [Fact]
    public void Check_names_what_else_is_there()
    {
        _container.Add("none", Network);
        _container.Check("none", Network);
        _container.Check("none", Network, new CniOptions { OmitPreviousResult = true });
        _container.Netns.Ip("link add smuggled type veth peer name other");

        string message = _container.TryCheck("none", Network).RequireError(100).Message;

        Assert.Contains("smuggled", message, StringComparison.Ordinal);
        Assert.Contains("other", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_sees_lo_down()
    {
        _container.Add("none", Network);
        _container.Netns.Ip("link set lo down");

        Assert.Contains("lo", _container.TryCheck("none", Network).RequireError(100).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_is_refused_where_another_network_is()
    {
        _container.Netns.Ip("link add eth0 type veth peer name other");
        World before = World.Of(_host);

        Assert.Contains("eth0", _container.TryAdd("none", Network).RequireError(8).Message, StringComparison.Ordinal);

        World.Of(_host).AssertEqual(before);
    }

    [Fact]
    public void Without_IPv6_the_result_has_IPv4_alone()
    {
        _container.Netns.SetSysctl("net/ipv6/conf/all/disable_ipv6", "1");

        Assert.Equal(["127.0.0.1/8"], _container.Add("none", Network).Addresses);
        _container.Check("none", Network);
    }

    [Fact]
    public void The_callers_own_namespace_is_refused()
    {
        CniOptions own = new() { NetnsPath = "/proc/self/ns/net" };
        World before = World.Of(_host);

        _container.TryAdd("none", Network, own).RequireError(8);

        World.Of(_host).AssertEqual(before);
    }

    [Fact]
    public void Status_and_garbage_collection_have_nothing_to_say()
    {
        Assert.Equal("", _host.Status("none", Network).RequireSuccess().Tool.Output);
        Assert.Equal("", _host.Gc("none", Network).RequireSuccess().Tool.Output);
    }
}
