using CniPlugins.Linux;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Publishing.Loopback;

namespace CniPlugins.NetnsTests;

/// <summary>Ports on loopback addresses, as the plugins publish them: at the socket, and where that cannot be by translation.</summary>
public sealed class LoopbackPublishingTests : IDisposable
{
    private const string Nat = """{"publish":{"loopback":"nat"}}""";
    private const string NoCgroup = """{"publish":{"cgroup":"/proc"}}""";

    private static readonly string s_network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _second;

    public LoopbackPublishingTests()
    {
        _container = _host.Container("web");
        _second = _host.Container("second");
        BridgeNet.EnableForwarding(_host);
    }

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void By_default_it_is_both_loopback_addresses_and_nothing_else(string protocol)
    {
        World before = BridgeNet.World(_host);
        _container.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(8080, 80, protocol)));
        using EchoServer server4 = Serve(protocol, "0.0.0.0");
        using EchoServer server6 = Serve(protocol, "::");

        Assert.Equal("answered by web (saw 10.1.0.1)", Dial(protocol, "127.0.0.1"));
        Assert.Equal("answered by web (saw fd00:1::1)", Dial(protocol, "::1"));
        Assert.Equal("Refused", Dial(protocol, "127.0.0.2"));
        Assert.Equal("Refused", Dial(protocol, TestHost.Address4));
        Assert.Equal("Refused", Dial(protocol, TestHost.Address6));
        Assert.Equal("0", _host.Netns.FindSysctl("net/ipv4/conf/br1/route_localnet"));

        _container.Delete("bridge", s_network);
        Assert.False(Directory.Exists(Path.Combine(_host.StateDirectory, "host")));
        Assert.Equal("Refused", Dial(protocol, "127.0.0.1"));
        Assert.Equal("Refused", Dial(protocol, "::1"));
        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>localhost has two addresses to a program, and the first of them that answers is taken: what is published on one is not on the other.</summary>
    [Fact]
    public void Both_named_work_each_for_itself()
    {
        _container.Add("bridge", s_network, BridgeNet.Ports(
            BridgeNet.Port(8080, 80, hostIp: "127.0.0.1"), BridgeNet.Port(8080, 81, hostIp: "::1")));
        using TcpEcho server4 = new(_container.Netns, 80);
        using TcpEcho server6 = new(_container.Netns, 81, "::");

        Assert.Equal("answered by web (saw 10.1.0.1)", Dial("tcp", "127.0.0.1"));
        Assert.Equal("answered by web (saw fd00:1::1)", Dial("tcp", "::1"));
    }

    [Fact]
    public void A_container_without_IPv6_is_published_on_127_0_0_1_alone()
    {
        string network = BridgeNet.Of();
        _container.Add("bridge", network, BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        using TcpEcho server = new(_container.Netns, 80);

        Assert.Equal("answered by web (saw 10.1.0.1)", Dial("tcp", "127.0.0.1"));
        Assert.Equal("Refused", Dial("tcp", "::1"));
        Assert.Contains(
            "::1",
            _second.TryAdd("bridge", network, BridgeNet.Ports(BridgeNet.Port(8081, 80, hostIp: "::1"))).RequireError(7).Message,
            StringComparison.Ordinal);
    }

    /// <summary>Where the operator wants it so, or the kernel gives no cgroup to attach to: IPv4 goes on, with route_localnet behind its guard.</summary>
    [Theory]
    [InlineData(Nat, "publish.loopback")]
    [InlineData(NoCgroup, "cgroup2")]
    public void Without_sockets_it_is_127_0_0_1_by_translation(string configuration, string reason)
    {
        _host.SetConfiguration(configuration);
        World before = BridgeNet.World(_host);
        _container.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(8080, 80), BridgeNet.Port(8080, 80, "udp")));
        using TcpEcho server = new(_container.Netns, 80);
        using UdpEcho datagrams = new(_container.Netns, 80);

        Assert.Equal("answered by web (saw 10.1.0.1)", Dial("tcp", "127.0.0.1"));
        Assert.Equal("answered by web (saw 10.1.0.1)", Dial("udp", "127.0.0.1"));
        Assert.Equal("Refused", Dial("tcp", "::1"));
        Assert.Equal("1", _host.Netns.FindSysctl("net/ipv4/conf/br1/route_localnet"));
        Assert.Contains(reason, _host.Status("bridge", s_network).RequireSuccess().Tool.Error, StringComparison.Ordinal);

        string message = _second.TryAdd("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(8081, 80, hostIp: "::1"))).RequireError(7).Message;
        Assert.Contains("[::1]", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        _container.Delete("bridge", s_network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void Status_says_which_way_is_in_use() =>
        Assert.Contains("at the socket", _host.Status("bridge", s_network).RequireSuccess().Tool.Error, StringComparison.Ordinal);

    [Fact]
    public void Check_notices_that_the_way_of_a_port_is_gone()
    {
        _host.SetConfiguration(Nat);
        CniOptions options = BridgeNet.Ports(BridgeNet.Port(8080, 80));
        _container.Add("bridge", s_network, options);
        _container.Check("bridge", s_network, options);
        _host.Netns.SetSysctl("net/ipv4/conf/br1/route_localnet", "0");
        Assert.Contains("route_localnet", _container.TryCheck("bridge", s_network, options).RequireError(100).Message, StringComparison.Ordinal);
    }

    /// <summary>Somebody takes the programs away, as a tool that resets cgroups may: noticed, and put back.</summary>
    [Fact]
    public void What_somebody_detached_is_noticed_and_put_back()
    {
        string path = Directory.CreateDirectory($"{TestCgroup.Path}/own-{Guid.NewGuid():N}").FullName;
        _host.SetConfiguration($$$"""{"publish":{"cgroup":"{{{path}}}"}}""");
        CniOptions options = BridgeNet.Ports(BridgeNet.Port(8080, 80));
        _container.Add("bridge", s_network, options);
        using CgroupDirectory cgroup = CgroupDirectory.Open(path);
        Assert.NotNull(SocketHooks.Find(cgroup));

        SocketHooks.Detach(cgroup);

        Assert.Contains("cni-reconcile", _host.Status("bridge", s_network).RequireError(51).Message, StringComparison.Ordinal);
        Assert.Contains("cni-reconcile", _container.TryCheck("bridge", s_network, options).RequireError(100).Message, StringComparison.Ordinal);
        Assert.Equal(0, Reconcile.Run(_host).ExitCode);
        _host.Status("bridge", s_network).RequireSuccess();
        _container.Check("bridge", s_network, options);
        _container.Delete("bridge", s_network);
        Assert.Null(SocketHooks.Find(cgroup));
        _host.Status("bridge", s_network).RequireSuccess();
        Directory.Delete(path);
    }

    /// <summary>What a record says decides where its ports are taken out, whatever the settings are by now.</summary>
    [Theory]
    [InlineData("nat")]
    [InlineData("cgroup")]
    [InlineData("broken")]
    public void A_port_goes_with_its_container_after_the_settings_have_changed(string change)
    {
        string pinned = BridgeNet.With(
            s_network, """{"ipam":{"type":"static","addresses":[{"address":"10.1.0.7/24","gateway":"10.1.0.1"}]}}""");
        string path = Directory.CreateDirectory($"{TestCgroup.Path}/other-{Guid.NewGuid():N}").FullName;
        _container.Add("bridge", pinned, BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        _host.SetConfiguration(change switch
        {
            "nat" => Nat,
            "cgroup" => $$$"""{"publish":{"cgroup":"{{{path}}}"}}""",
            _ => """{"publish":{"cgroup":5}}""",
        });

        _container.Delete("bridge", pinned);

        _host.SetConfiguration("{}");
        _second.Add("bridge", pinned);
        using TcpEcho server = new(_second.Netns, 80);
        Assert.Equal("Refused", Dial("tcp", "127.0.0.1"));
        Directory.Delete(path);
    }

    /// <summary>The way may change between two containers, and for one that is there it stays what it was.</summary>
    [Fact]
    public void A_change_of_the_setting_is_for_containers_to_come()
    {
        _host.SetConfiguration(Nat);
        _container.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        _host.SetConfiguration("{}");
        _second.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(8081, 80)));
        using TcpEcho first = new(_container.Netns, 80);
        using TcpEcho other = new(_second.Netns, 80);

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        Assert.Equal("second", Reach.Tcp(_host.Netns, "127.0.0.1", 8081).Server);
        _container.Delete("bridge", s_network);
        Assert.Equal("second", Reach.Tcp(_host.Netns, "127.0.0.1", 8081).Server);
        _second.Delete("bridge", s_network);
        Assert.Equal(ReachOutcome.Refused, Reach.Tcp(_host.Netns, "127.0.0.1", 8081).Outcome);
    }

    private EchoServer Serve(string protocol, string address) =>
        protocol == "tcp" ? new TcpEcho(_container.Netns, 80, address) : new UdpEcho(_container.Netns, 80, address);

    private string Dial(string protocol, string address) =>
        (protocol == "tcp" ? Reach.Tcp(_host.Netns, address, 8080) : Reach.Udp(_host.Netns, address, 8080)).ToString();
}
