using System.Text.Json;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>VLANs on bridge ports, on kernels that have them.</summary>
public sealed class BridgeVlanTests : IDisposable
{
    private readonly TestHost _host;
    private readonly Container _container;
    private readonly Container _second;

    public BridgeVlanTests()
    {
        Kernel.RequireVlanFiltering();
        _host = TestHost.Create();
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
        _second = _host.Container("second");
    }

    public void Dispose() => _host?.Dispose();

    [Theory]
    [InlineData("BR-07", """{"vlan":100,"preserveDefaultVlan":true}""", "1 100*")]
    [InlineData("BR-10", """{"vlan":100}""", "100*")]
    [InlineData("BR-08", """{"vlanTrunk":[{"id":101},{"minID":200,"maxID":210}]}""", "1* 101 200 201 202 203 204 205 206 207 208 209 210")]
    [InlineData("BR-09", """{"vlan":100,"vlanTrunk":[{"id":101},{"minID":200,"maxID":202}]}""", "100* 101 200 201 202")]
    [InlineData("BR-01 empty", """{"vlanTrunk":[]}""", "1*")]
    [InlineData("BR-01 both", """{"vlanTrunk":[{"id":7,"minID":9,"maxID":10}]}""", "1* 7 9 10")]
    public void BR_01_BR_07_to_BR_10_vlans_of_a_layer_2_port(string scenario, string extra, string expected)
    {
        World before = BridgeNet.World(_host);
        string network = BridgeNet.Layer2(extra);

        _container.Add("bridge", network);

        Assert.True(Vlans(BridgeNet.PeerOf(_host, _container).Text("ifname")!) == expected, scenario);
        _container.Check("bridge", network);
        _container.Delete("bridge", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("10.1.0.0/24", false)]
    [InlineData("fd00:1::/64", false)]
    [InlineData("10.1.0.0/24 fd00:1::/64", false)]
    [InlineData("10.1.0.0/24 10.2.0.0/24 fd00:1::/64", false)]
    [InlineData("10.1.0.0/24", true)]
    public void BR_11_the_gateway_of_a_vlan(string subnets, bool preserve)
    {
        World before = BridgeNet.World(_host);
        string network = BridgeNet.Of(subnets, $$"""{"vlan":100,"preserveDefaultVlan":{{(preserve ? "true" : "false")}}}""");

        CniCall add = _container.Add("bridge", network);
        _second.Add("bridge", network);

        JsonElement interfaces = add.Result.GetProperty("interfaces");
        Assert.Equal(4, interfaces.GetArrayLength());
        Assert.Equal("br1.100", interfaces[3].Text("name"));
        Assert.Empty(BridgeNet.AddressesOf(_host.Netns, "br1"));
        Assert.Equal(subnets.Split(' ').Length, BridgeNet.AddressesOf(_host.Netns, "br1.100").Count);
        foreach (JsonElement ip in add.Result.GetProperty("ips").EnumerateArray())
        {
            Assert.True(_container.Netns.Ping(ip.Text("gateway")!), ip.Text("gateway"));
            Assert.True(_second.Netns.Ping(ip.Text("address")!.Split('/')[0]));
        }

        JsonElement device = BridgeNet.FindLink(_host.Netns, "br1.100")!.Value;
        Assert.Equal(preserve ? "1 100*" : "100*", Vlans(device.Text("link")!));
        _container.Check("bridge", network);
        _container.Delete("bridge", network);
        Assert.NotNull(BridgeNet.FindLink(_host.Netns, "br1.100"));
        _second.Delete("bridge", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void Two_vlans_of_one_bridge_do_not_see_each_other()
    {
        string first = BridgeNet.Layer2("""{"vlan":100}""");
        string second = BridgeNet.Layer2("""{"vlan":200}""", name: "net2");
        _container.Add("bridge", first);
        _second.Add("bridge", second);
        _container.Netns.Ip("address add 10.3.0.1/24 dev eth0");
        _second.Netns.Ip("address add 10.3.0.2/24 dev eth0");

        Assert.False(_container.Netns.Ping("10.3.0.2"));
        _second.Delete("bridge", second);
        _second.Add("bridge", first);
        _second.Netns.Ip("address add 10.3.0.2/24 dev eth0");
        Assert.True(_container.Netns.Ping("10.3.0.2"));
    }

    [Fact]
    public void W23_a_foreign_bridge_that_does_not_filter_is_refused_and_ours_is_made_to()
    {
        _host.Netns.Ip("link add br9 type bridge");
        Assert.Contains(
            "vlan_filtering", _container.TryAdd("bridge", BridgeNet.Layer2("""{"vlan":5}""", bridge: "br9")).RequireError(7).Message, StringComparison.Ordinal);
        _second.Add("bridge", BridgeNet.Layer2(name: "plain"));

        _container.Add("bridge", BridgeNet.Layer2("""{"vlan":5}"""));

        Assert.Equal("5*", Vlans(BridgeNet.PeerOf(_host, _container).Text("ifname")!));
    }

    [Fact]
    public void W34_check_sees_a_vlan_that_was_removed()
    {
        string network = BridgeNet.Layer2("""{"vlan":100,"vlanTrunk":[{"id":7}]}""");
        _container.Add("bridge", network);
        _host.Netns.Exec("/usr/sbin/bridge", "vlan", "del", "dev", BridgeNet.PeerOf(_host, _container).Text("ifname")!, "vid", "7");

        Assert.Contains("VLAN 7", _container.TryCheck("bridge", network).RequireError(100).Message, StringComparison.Ordinal);
    }

    /// <summary>A port's VLANs in order; an asterisk marks the untagged one.</summary>
    private string Vlans(string port)
    {
        string output = _host.Netns.Exec("/usr/sbin/bridge", "-j", "vlan", "show", "dev", port).Output;
        return string.Join(' ', Json.Parse(output).EnumerateArray().SelectMany(static each => each.GetProperty("vlans").EnumerateArray())
            .SelectMany(static vlan => Enumerable.Range(
                    vlan.GetProperty("vlan").GetInt32(),
                    (vlan.Find("vlanEnd")?.GetInt32() ?? vlan.GetProperty("vlan").GetInt32()) - vlan.GetProperty("vlan").GetInt32() + 1)
                .Select(id => (id, vlan.GetRawText().Contains("PVID", StringComparison.Ordinal))))
            .Select(static vlan => $"{vlan.id}{(vlan.Item2 ? "*" : "")}"));
    }
}
