using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>CHECK passes right after ADD whatever the shape, and fails by name for each single thing that is no more.</summary>
public sealed class BridgeCheckTests : IDisposable
{
    private const string Everything = """
        {"macspoofchk":true,"portIsolation":true,"isolation":"full","mtu":1400,"hairpinMode":true,
         "ipam":{"type":"host-local","ranges":[[{"subnet":"10.1.0.0/24"}],[{"subnet":"fd00:1::/64"}]],"routes":[{"dst":"10.9.0.0/16"}]},
         "runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80},{"hostPort":53,"containerPort":53,"protocol":"udp","hostIP":"0.0.0.0"},
          {"hostPort":8081,"containerPort":80,"hostIP":"2001:db8:1::1"},{"hostPort":8082,"containerPort":80,"hostIP":"::"}]}}
        """;

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public BridgeCheckTests() => _container = _host.Container("web");

    public static TheoryData<string, string, string> Changes => new()
    {
        { "container", "ip link set eth0 down", "down" },
        { "container", "ip link del eth0", "gone" },
        { "container", "ip link set eth0 address 02:00:00:00:00:aa", "02:00:00:00:00:aa" },
        { "container", "ip link set eth0 mtu 1300", "1300" },
        { "container", "ip address del ADDRESS/24 dev eth0", "ADDRESS" },
        { "container", "ip address flush dev eth0 scope global", "address" },
        { "container", "ip route del 10.9.0.0/16", "10.9.0.0/16" },
        { "container", "ip route del default", "0.0.0.0/0" },
        { "container", "ip -6 route del default", "::/0" },
        { "host", "ip address del 10.1.0.1/24 dev br1", "10.1.0.1" },
        { "host", "ip address del fd00:1::1/64 dev br1", "fd00:1::1" },
        { "host", "ip link set PORT nomaster", "no port of br1" },
        { "host", "ip link set PORT down", "down" },
        { "host", "bridge link set dev PORT isolated off", "isolated" },
        { "host", "bridge link set dev PORT hairpin off", "hairpin" },
        { "host", "ip link set br1 down", "br1 is down" },
        { "host", "ip link del br1", "br1 is gone" },
        { "host", "ip link set br1 address 02:00:00:00:00:aa", "02:00:00:00:00:aa" },
        { "host", "nft delete element inet cni_plugins published4 { 127.0.0.1 . tcp . 8080 }", "published4" },
        { "host", "nft delete element inet cni_plugins published_any4 { udp . 53 }", "published_any4" },
        { "host", "nft delete element inet cni_plugins published6 { 2001:db8:1::1 . tcp . 8081 }", "published6" },
        { "host", "nft delete element inet cni_plugins published_any6 { tcp . 8082 }", "published_any6" },
        { "host", "nft delete element inet cni_plugins masqueraded4 { ADDRESS }", "masqueraded4" },
        { "host", "nft flush set inet cni_plugins masqueraded6", "masqueraded6" },
        { "host", "nft flush set inet cni_plugins networks4", "networks4" },
        { "host", "nft flush set inet cni_plugins networks6", "networks6" },
        { "host", "nft flush set inet cni_plugins isolated", "isolated" },
        { "host", "nft flush set inet cni_plugins inside", "inside" },
        { "host", "nft flush set bridge cni_plugins guarded", "guarded" },
        { "host", "nft flush set bridge cni_plugins allowed", "allowed" },
        { "host", "nft flush chain inet cni_plugins guard", "table" },
        { "host", "nft flush table inet cni_plugins", "table" },
        { "host", "nft delete table inet cni_plugins", "table" },
        { "host", "nft flush table bridge cni_plugins", "table" },
        { "host", "nft delete table bridge cni_plugins", "" },
        { "host", "nft flush ruleset", "table" },
        { "host", "rm /var/lib/cni/networks/net1/ADDRESS", "addresses" },
        { "host", "echo 0 >/proc/sys/net/ipv4/ip_forward", "ip_forward" },
        { "host", "echo 0 >/proc/sys/net/ipv6/conf/all/forwarding", "ipv6/conf/all/forwarding" },
    };

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("{}")]
    [InlineData(Everything)]
    [InlineData("""{"isDefaultGateway":false}""")]
    [InlineData("""{"isDefaultGateway":false,"isGateway":true,"ipMasq":false}""")]
    [InlineData("""{"promiscMode":true}""")]
    [InlineData("""{"ipMasq":false,"macspoofchk":true}""")]
    [InlineData("""{"internal":true,"ipMasq":false,"icc":false,"ipspoofchk":true}""")]
    [InlineData("""{"isolation":"full","outboundAddress":"192.0.2.1"}""")]
    [InlineData("""{"enabledad":true,"ipam":{"type":"host-local","subnet":"fd00:1::/64"}}""")]
    [InlineData("""{"ipam":{"type":"host-local","subnet":"10.1.0.0/24","routes":[{"dst":"0.0.0.0/0"},{"dst":"10.9.0.0/16","gw":"10.1.0.9"}]}}""")]
    [InlineData("""{"ipam":{"type":"host-local","ranges":[[{"subnet":"10.1.0.0/24"}],[{"subnet":"10.2.0.0/24"}],[{"subnet":"fd00:1::/64"}],[{"subnet":"fd00:2::/64"}]]}}""")]
    [InlineData("""{"ipam":{},"isDefaultGateway":true,"ipMasq":true}""")]
    [InlineData("""{"ipam":{},"disableContainerInterface":true}""")]
    public void W21_check_passes_right_after_add(string extra)
    {
        foreach (string version in new[] { "0.4.0", "1.0.0", "1.1.0" })
        {
            string network = BridgeNet.Of(extra: extra, version: version);
            _container.Add("bridge", network);

            _container.Check("bridge", network);
            _container.Check("bridge", network);
            _container.Delete("bridge", network);
            _container.TryCheck("bridge", network).RequireError(100);
        }
    }

    [Theory, MemberData(nameof(Changes))]
    public void Check_names_what_changed(string where, string command, string named)
    {
        string network = BridgeNet.Of(extra: Everything);
        CniCall add = _container.Add("bridge", network);
        string port = BridgeNet.PeerOf(_host, _container).Text("ifname")!;
        _container.Check("bridge", network);

        (where == "host" ? _host.Netns : _container.Netns).Exec(
            "/bin/sh", "-c", command.Replace("ADDRESS", add.Address(), StringComparison.Ordinal).Replace("PORT", port, StringComparison.Ordinal)
                .Replace("{", "'{", StringComparison.Ordinal).Replace("}", "}'", StringComparison.Ordinal));

        CniCall check = _container.TryCheck("bridge", network).RequireError(100);
        Assert.Contains(named.Replace("ADDRESS", add.Address(), StringComparison.Ordinal), check.Message, StringComparison.Ordinal);
        _container.Delete("bridge", network);
        _container.Add("bridge", network);
        _container.Check("bridge", network);
    }

    [Fact]
    public void Check_without_a_namespace_or_with_the_previous_result_of_another()
    {
        _container.Add("bridge", BridgeNet.Of());
        CniOptions other = new() { PreviousResult = _host.Container("second").Add("bridge", BridgeNet.Of()).Tool.Output };

        _container.TryCheck("bridge", BridgeNet.Of(), other).RequireError(100);
        _container.TryCheck("bridge", BridgeNet.Of(), new CniOptions { NetnsPath = "/run/netns/gone" }).RequireError(8);
    }

    [Fact]
    public void Check_passes_for_an_attachment_of_the_reference()
    {
        Reference.Require();
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"hairpinMode":true}""", version: "1.0.0");
        _container.Add("bridge", network, Reference.Options);

        _container.Check("bridge", network);
    }
}
