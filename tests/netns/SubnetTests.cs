using System.Text.Json;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Networks that name no subnet get one of each family, which nothing on the host uses, and keep it.</summary>
public sealed class SubnetTests : IDisposable
{
    private const string HostLocal = """{"cniVersion":"1.1.0","name":"web","type":"any","ipam":{"type":"host-local"} }""";
    private const string Bridge = """{"cniVersion":"1.1.0","name":"web","type":"bridge"}""";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public SubnetTests() => _container = _host.Container("web");

    public void Dispose()
    {
        _container.Dispose();
        _host.Dispose();
    }

    [Fact]
    public void A_network_gets_a_subnet_of_each_family_and_another_network_others()
    {
        string[] web = Add(HostLocal);
        string[] db = Add(HostLocal.Replace("web", "db", StringComparison.Ordinal));

        Assert.Equal("172.17.0.2/16", web[0]);
        Assert.Matches("^fd[0-9a-f:]+::2/64$", web[1]);
        Assert.Equal("172.18.0.2/16", db[0]);
        Assert.NotEqual(web[1], db[1]);
        Assert.Equal("172.17.0.3/16", Add(HostLocal, "eth1")[0]);
        Assert.Equal(2, File.ReadAllLines(_host.SubnetDirectory + "/web").Length);
        _container.Check("host-local", HostLocal);
    }

    [Theory]
    [InlineData("a route", "ip route add 172.17.5.0/24 dev uplink")]
    [InlineData("a wider route", "ip route add 172.16.0.0/15 dev uplink")]
    [InlineData("a route of another table", "ip route add 172.17.5.0/24 dev uplink table 77")]
    [InlineData("a black hole", "ip route add blackhole 172.17.5.0/24")]
    [InlineData("an address", "ip address add 172.17.255.254/32 dev uplink")]
    [InlineData("the address of an interface that is down", "ip link add unused type veth peer unused2; ip address add 172.17.9.1/24 dev unused")]
    [InlineData("a lease of the reference", "mkdir -p /var/lib/cni/networks/old; printf x > /var/lib/cni/networks/old/172.17.0.9")]
    public void What_the_host_uses_is_left_alone(string what, string command)
    {
        _host.Netns.Exec("sh", "-c", command);

        Assert.True(Add(HostLocal)[0] == "172.18.0.2/16", what);
    }

    [Fact]
    public void Two_halves_of_a_VPN_are_no_use()
    {
        foreach (string half in new[] { "0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1", "2000::/3" })
        {
            _host.Netns.Ip($"route add {half} dev uplink");
        }

        Assert.Equal("172.17.0.2/16", Add(HostLocal)[0]);
    }

    [Fact]
    public void An_IPv6_route_is_left_alone_too()
    {
        SetPools("""{"base":"fd00:1::/62","size":64}""");
        _host.Netns.Ip("-6 route add fd00:1::/63 dev uplink");
        _host.Netns.Ip("-6 address add fd00:1:0:2::1/128 dev uplink nodad");

        Assert.Equal(["172.17.0.2/16", "fd00:1:0:3::2/64"], Add(HostLocal));
    }

    [Fact]
    public void Pools_are_configured_for_the_whole_host_and_an_exhausted_one_shows_its_use()
    {
        SetPools("""{"base":"10.64.0.0/23","size":24},{"base":"10.99.0.0/24","size":24}""");
        _host.Netns.Ip("route add 10.64.1.128/25 dev uplink");
        Assert.Equal("10.64.0.2/24", Add(HostLocal)[0]);
        Assert.Equal("10.99.0.2/24", Add(HostLocal.Replace("web", "two", StringComparison.Ordinal))[0]);
        World before = World.Of(_host);

        string third = HostLocal.Replace("web", "three", StringComparison.Ordinal);
        string message = _container.TryAdd("host-local", third).RequireError(11).Message;

        Assert.Contains("10.64.0.0/23 in /24s (all 2 taken", message, StringComparison.Ordinal);
        _host.Status("host-local", third).RequireError(50);
        _host.Status("host-local", HostLocal).RequireSuccess();
        World.Of(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("""{"base":"10.64.0.1/16","size":24}""", 7, "host bits")]
    [InlineData("""{"base":"10.64.0.0/16","size":15}""", 7, "cannot be cut")]
    [InlineData("""{"base":"10.64.0.0/16","size":"24"}""", 6, "addressPools[0].size")]
    [InlineData("""{"base":"10.64.0.0/16"}""", 7, "addressPools[0].size is missing")]
    [InlineData("""{"base":"ten","size":24}""", 7, "addressPools[0].base")]
    public void A_pool_that_is_none_is_refused_by_its_place(string pool, int code, string named)
    {
        SetPools(pool);
        Assert.Contains(named, _container.TryAdd("host-local", HostLocal).RequireError(code).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_subnet_outlives_the_last_container_GC_and_a_reboot()
    {
        string[] first = Add(Bridge, type: "bridge");
        _container.Delete("bridge", Bridge);
        _host.Gc("bridge", Bridge).RequireSuccess();
        Assert.Equal(first.Select(static text => text[..^4]), Add(Bridge, type: "bridge").Select(static text => text[..^4]));

        // A reboot: nothing in the kernel, and nothing below /run. What came meanwhile does not matter.
        Directory.Delete(_host.StateDirectory, recursive: true);
        _host.Netns.Exec("nft", "flush", "ruleset");
        foreach (JsonElement link in _host.Netns.Ip("-j link show type bridge").EnumerateArray())
        {
            _host.Netns.Ip($"link delete {link.Text("ifname")}");
        }

        _host.Netns.Ip("route add 172.17.7.0/24 dev uplink");
        using Container next = _host.Container("next");
        string[] after = [.. AddressesOf(next.Add("bridge", Bridge))];
        Assert.Equal(first.Select(static text => text[..^4]), after.Select(static text => text[..^4]));
        Assert.Equal("172.18.0.2/16", Add(HostLocal.Replace("web", "db", StringComparison.Ordinal), "eth1")[0]);
    }

    [Fact]
    public void A_damaged_choice_is_not_replaced_by_another()
    {
        Add(HostLocal);
        File.WriteAllText(_host.SubnetDirectory + "/web", "172.17.0");

        string message = _container.TryAdd("host-local", HostLocal, new CniOptions { InterfaceName = "eth1" }).RequireError(7).Message;

        Assert.Contains(_host.SubnetDirectory + "/web", message, StringComparison.Ordinal);
        _container.Delete("host-local", HostLocal);
    }

    [Theory]
    [InlineData(""","ipv6":false""", "{}", 1)]
    [InlineData("", """{"ipv6":false}""", 1)]
    [InlineData(""","ipv6":true""", """{"ipv6":false}""", 2)]
    public void IPv6_can_be_left_out(string more, string settings, int count)
    {
        _host.SetConfiguration(settings);
        Assert.Equal(count, Add(HostLocal.Replace("\"host-local\"", "\"host-local\"" + more, StringComparison.Ordinal)).Length);
    }

    [Fact]
    public void A_host_without_IPv6_gets_IPv4_alone_until_it_has_it()
    {
        _host.Netns.SetSysctl("net/ipv6/conf/default/disable_ipv6", "1");
        Assert.Equal(["172.17.0.2/16"], Add(Bridge, type: "bridge"));
        _container.Check("bridge", Bridge);
        _container.Delete("bridge", Bridge);
        _host.Netns.SetSysctl("net/ipv6/conf/default/disable_ipv6", "0");

        Assert.Equal(2, Add(Bridge, type: "bridge").Length);
    }

    [Theory]
    [InlineData(""" "rangeStart":"10.1.2.9" """, "ipam.rangeStart is 10.1.2.9, and there is no subnet")]
    [InlineData(""" "exclude":["10.1.2"] """, "ipam.exclude")]
    [InlineData(""" "reserve":["10.1.2.9-10.1.2.8"] """, "ipam.reserve")]
    [InlineData(""" "exclude":["0.0.0.0/0"] """, "are excluded")]
    public void What_makes_no_sense_is_refused(string ipam, string message) => Assert.Contains(
        message,
        _container.TryAdd("host-local", HostLocal.Replace("\"host-local\"", "\"host-local\"," + ipam, StringComparison.Ordinal)).RequireError(7).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Excluded_addresses_are_never_given_and_reserved_ones_on_request()
    {
        string network = HostLocal.Replace(
            "\"host-local\"", """ "host-local","subnet":"10.1.2.0/29","exclude":["10.1.2.2"],"reserve":["10.1.2.3-10.1.2.4"] """, StringComparison.Ordinal);

        Assert.Equal(["10.1.2.5/29"], Add(network));
        Assert.Equal(["10.1.2.6/29"], Add(network, "eth1"));
        Assert.Contains("0 of 2 free", _host.Status("host-local", network).RequireError(50).Details, StringComparison.Ordinal);
        _container.TryAdd("host-local", network, new CniOptions { InterfaceName = "eth2" }).RequireError(11);
        _container.TryAdd("host-local", network, new CniOptions { InterfaceName = "eth2", Arguments = "IP=10.1.2.2" }).RequireError(7);
        _container.Add("host-local", network, new CniOptions { InterfaceName = "eth2", Arguments = "IP=10.1.2.3" });
    }

    [Fact]
    public void A_pod_has_its_address_again_in_a_new_sandbox()
    {
        string network = HostLocal.Replace("\"host-local\"", "\"host-local\",\"sticky\":true", StringComparison.Ordinal);
        CniOptions pod = new() { Arguments = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0" };
        string before = _container.Add("host-local", network, pod).Tool.Output;
        _container.Delete("host-local", network, pod);
        using Container next = _host.Container("next");
        next.Add("host-local", network);

        using Container again = _host.Container("again");
        Assert.Equal(before, again.Add("host-local", network, pod).Tool.Output);
    }

    [Fact]
    public void The_short_configuration_of_a_bridge_gives_a_network_of_both_families()
    {
        using Container other = _host.Container("other");
        Add(Bridge, type: "bridge");
        other.Add("bridge", Bridge.Replace("web", "db", StringComparison.Ordinal));
        using Container peer = _host.Container("peer");
        string[] addresses = [.. AddressesOf(peer.Add("bridge", Bridge))];

        foreach (string address in addresses)
        {
            _container.Netns.Exec("ping", "-c1", "-W5", address[..address.IndexOf('/', StringComparison.Ordinal)]);
            Assert.NotEqual(0, other.Netns.TryExec("ping", ["-c1", "-W1", address[..address.IndexOf('/', StringComparison.Ordinal)]]).ExitCode);
        }

        _container.Netns.Exec("ping", "-c1", "-W5", "192.0.2.2");
        _container.Netns.Exec("ping", "-6", "-c1", "-W5", "2001:db8:1::2");
        _container.Check("bridge", Bridge);
    }

    [Fact]
    public void Forwarding_does_not_cut_the_host_off_from_its_router()
    {
        _host.Netns.SetSysctl("net/ipv6/conf/all/forwarding", "0");
        Assert.Equal("1", _host.Netns.FindSysctl("net/ipv6/conf/uplink/accept_ra"));

        Add(Bridge, type: "bridge");

        Assert.Equal("1", _host.Netns.FindSysctl("net/ipv6/conf/all/forwarding"));
        Assert.Equal("2", _host.Netns.FindSysctl("net/ipv6/conf/uplink/accept_ra"));
        Assert.Equal("1", _host.Netns.FindSysctl("net/ipv6/conf/default/accept_ra"));
    }

    private void SetPools(string pools) => _host.SetConfiguration($$"""{"addressPools":[{{pools}}]}""");

    private string[] Add(string network, string name = "eth0", string type = "host-local") =>
        [.. AddressesOf(_container.Add(type, network, new CniOptions { InterfaceName = name }))];

    private static IEnumerable<string> AddressesOf(CniCall add) =>
        add.Result.GetProperty("ips").EnumerateArray().Select(static (JsonElement ip) => ip.Text("address")!);
}
