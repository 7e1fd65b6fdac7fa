using System.Text.Json;
using System.Text.Json.Nodes;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The shortest configuration works; any key of the reference bridge's keeps the reference's meaning.</summary>
public sealed class DefaultsTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public DefaultsTests() => _container = _host.Container("web");

    public void Dispose()
    {
        _container.Dispose();
        _host.Dispose();
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void The_shortest_configuration_works(string version)
    {
        string network = $$"""{"cniVersion":"{{version}}","name":"web","type":"bridge"}""";
        Container neighbour = _host.Container("neighbour");
        using TcpEcho outside = new(_host.Lan, 8000);
        BridgeNet.EnableForwarding(_host);

        // The network keeps its subnets while it has no container.
        World before = BridgeNet.World(_host).Except("/cni-plugins/");

        CniCall add = _container.Add("bridge", network);
        string other = BridgeNet.Addresses(neighbour.Add("bridge", network))[0].Split('/')[0];

        Assert.Matches("^[0-9.]+/[0-9]+ fd[0-9a-f:]+/64$", string.Join(' ', BridgeNet.Addresses(add)));
        foreach (string gateway in Gateways())
        {
            Assert.True(_container.Netns.Ping(gateway), gateway);
        }

        Assert.True(_container.Netns.Ping(other));
        Assert.Equal($"answered by lan (saw {TestHost.Address4})", Reach.Tcp(_container.Netns, TestHost.LanAddress4, 8000).ToString());
        _container.Delete("bridge", network);
        neighbour.Delete("bridge", network, new CniOptions { OmitPreviousResult = true, NetnsPath = "" });
        BridgeNet.World(_host).Except("/cni-plugins/").AssertEqual(before);
    }

    [Fact]
    public void The_mtu_follows_the_uplink()
    {
        _host.Netns.Ip("link set uplink mtu 1380");

        _container.Add("bridge", """{"cniVersion":"1.1.0","name":"web","type":"bridge"}""");

        Assert.Equal("1380", BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("mtu"));
        Assert.Equal("1380", BridgeNet.PeerOf(_host, _container).Text("mtu"));
    }

    [Fact]
    public void Without_an_uplink_it_works_on_this_host()
    {
        _host.Netns.Ip("route del default");

        _container.Add("bridge", """{"cniVersion":"1.1.0","name":"web","type":"bridge"}""");

        Assert.NotEmpty(Gateways());
        Assert.All(Gateways(), gateway => Assert.True(_container.Netns.Ping(gateway), gateway));
    }

    [Fact]
    public void Ports_isolation_and_publish_do_not_end_the_defaults()
    {
        const string Network = """
            {"cniVersion":"1.1.0","name":"web","type":"bridge","isolation":"none","publish":{"defaultHostIP":"0.0.0.0"},"capabilities":{"portMappings":true},
             "runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80}]},"args":{"cni":{}},"cni.dev/x":1}
            """;
        _container.Add("bridge", Network);
        using TcpEcho server = new(_container.Netns, 80);

        Assert.Equal(ReachOutcome.Answered, Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Outcome);
        Assert.Empty(BridgeNet.Elements(_host, "isolated"));
    }

    [Theory]
    [InlineData("""{"ipam":{}}""")]
    [InlineData("""{"ipam":null}""")]
    [InlineData("""{"IPAM":{}}""")]
    [InlineData("""{"bridge":"br7"}""")]
    [InlineData("""{"isGateway":true}""")]
    [InlineData("""{"ipMasq":true}""")]
    [InlineData("""{"mtu":1400}""")]
    [InlineData("""{"hairpinMode":true}""")]
    [InlineData("""{"promiscMode":false}""")]
    [InlineData("""{"forceAddress":true}""")]
    [InlineData("""{"vlan":0}""")]
    [InlineData("""{"dns":{"nameservers":["192.0.2.53"]}}""")]
    [InlineData("""{"ipam":{"type":"host-local","subnet":"10.5.0.0/24"}}""")]
    [InlineData("""{"isGateway":true,"ipam":{"type":"host-local","subnet":"10.5.0.0/24"}}""")]
    [InlineData("""{"isDefaultGateway":true,"ipMasq":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.5.0.0/24"}],[{"subnet":"fd00:5::/64"}]],"routes":[{"dst":"10.9.0.0/16"}]}}""")]
    [InlineData("""{"bridge":"br7","mtu":1400,"hairpinMode":true,"dns":{"search":["a.example"]},"ipam":{"type":"host-local","subnet":"10.5.0.0/24","resolvConf":"/etc/resolv.conf"}}""")]
    public void Any_key_of_the_reference_keeps_its_meaning(string extra)
    {
        Reference.Require();
        foreach (string version in new[] { "0.3.1", "0.4.0", "1.0.0" })
        {
            string network = BridgeNet.With($$"""{"cniVersion":"{{version}}","name":"web","type":"bridge"}""", extra);
            using TestHost theirHost = TestHost.Create(TestHost.ReferenceBinaries);
            using TestHost ourHost = TestHost.Create();
            Container theirs = theirHost.Container("web");
            Container ours = ourHost.Container("web");

            JsonObject expected = Masked(theirs.Add("bridge", network));
            JsonObject actual = Masked(ours.Add("bridge", network));

            Assert.True(JsonNode.DeepEquals(expected, actual), $"reference:\n{expected}\nours:\n{actual}");
            Assert.Equal(Kernel(theirHost, theirs), Kernel(ourHost, ours));
        }
    }

    /// <summary>Where the container's default routes lead.</summary>
    private List<string> Gateways() => [.. new[] { "-4", "-6" }.SelectMany(family =>
        _container.Netns.Ip($"-j {family} route show default").EnumerateArray().Select(static route => route.Text("gateway")!))];

    /// <summary>A result whose random parts (names, link-layer addresses, namespaces) are named by their place.</summary>
    internal static JsonObject Masked(CniCall add)
    {
        JsonObject result = Json.Object(add.Result.GetRawText());
        if (result["dns"] is JsonObject { Count: 0 })
        {
            result.Remove("dns");
        }

        foreach (JsonNode? each in result["interfaces"]?.AsArray() ?? [])
        {
            JsonObject link = each!.AsObject();
            Assert.Matches("^[0-9a-f]{2}(:[0-9a-f]{2}){5}$", link["mac"]!.GetValue<string>());
            link["mac"] = "MAC";
            if (link["sandbox"] is not null)
            {
                link["sandbox"] = "SANDBOX";
            }

            if (link["name"]!.GetValue<string>().StartsWith("veth", StringComparison.Ordinal))
            {
                link["name"] = "VETH";
            }
        }

        return result;
    }

    /// <summary>What the two must have made alike: addresses, routes, link settings.</summary>
    private static string Kernel(TestHost host, Container container)
    {
        JsonElement link = BridgeNet.FindLink(container.Netns, "eth0")!.Value;
        JsonElement port = BridgeNet.PeerOf(host, container);
        JsonElement bridge = BridgeNet.FindLink(host.Netns, port.Text("master")!)!.Value;
        return string.Join('\n',
        [
            $"{link.Text("mtu")} {port.Text("mtu")} {BridgeNet.PortSetting(port, "hairpin")}",
            $"{bridge.Text("ifname")} {bridge.Text("mtu")} {string.Join(' ', BridgeNet.AddressesOf(host.Netns, bridge.Text("ifname")!))}",
            string.Join(' ', BridgeNet.AddressesOf(container.Netns, "eth0")),
            .. container.Netns.Exec("/usr/sbin/ip", "-4", "route").Output.Split('\n'),
            .. container.Netns.Exec("/usr/sbin/ip", "-6", "route").Output.Split('\n').Where(static line => !line.StartsWith("fe80", StringComparison.Ordinal)),
            host.Netns.FindSysctl("net/ipv4/ip_forward") ?? "",
            host.Netns.FindSysctl("net/ipv6/conf/all/forwarding") ?? "",
        ]);
    }
}
