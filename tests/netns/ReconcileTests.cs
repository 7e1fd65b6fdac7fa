using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>What others take away is noticed by CHECK and STATUS, and put back by cni-reconcile, seen with packets.</summary>
public sealed class ReconcileTests : IDisposable
{
    private const string Nft = "/usr/sbin/nft";
    private const string Both = "10.1.0.0/24 fd00:1::/64";

    private static readonly string s_network = BridgeNet.Of(Both, """{"macspoofchk":true,"isolation":"full"}""");
    private static readonly CniOptions s_ports = BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"), BridgeNet.Port(8081, 80), BridgeNet.Port(8053, 53, "udp", "0.0.0.0"));

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public ReconcileTests()
    {
        _container = _host.Container("web");
        BridgeNet.EnableForwarding(_host);
        _host.Lan.Ip($"route add 10.0.0.0/8 via {TestHost.Address4}");
    }

    public void Dispose() => _host.Dispose();

    /// <summary>How it is taken away, and whether a count of the rules tells.</summary>
    public static TheoryData<string, bool> Ways => new()
    {
        { "flush ruleset", true },
        { "flush table inet cni_plugins", true },
        { "flush table bridge cni_plugins", true },
        { "delete table inet cni_plugins", true },
        { "delete table bridge cni_plugins", true },
        { "flush chain inet cni_plugins guard", true },
        { "flush chain inet cni_plugins forward", true },
        { "delete chain inet cni_plugins guard", true },
        { "insert rule inet cni_plugins forward accept", true },
        { "flush map inet cni_plugins published_any4", false },
        { "flush set inet cni_plugins isolated", false },
        { "flush set inet cni_plugins networks6", false },
        { "delete element inet cni_plugins masqueraded4 { 10.1.0.2 }", false },
        { "flush set bridge cni_plugins guarded", false },
    };

    [Theory, MemberData(nameof(Ways))]
    public void What_is_taken_away_is_noticed_and_put_back(string way, bool isRule)
    {
        CniCall add = _container.Add("bridge", s_network, s_ports);
        World before = BridgeNet.World(_host);
        _container.Check("bridge", s_network, s_ports);
        _host.Status("bridge", s_network).RequireSuccess();

        Take(way);

        Assert.Contains("cni-reconcile", _container.TryCheck("bridge", s_network, s_ports).RequireError(100).Message, StringComparison.Ordinal);
        CniCall status = _host.Status("bridge", s_network);
        if (isRule)
        {
            Assert.Contains("cni-reconcile", status.RequireError(51).Message, StringComparison.Ordinal);
        }

        World broken = BridgeNet.World(_host);
        Assert.Equal(1, Run("--check").ExitCode);
        BridgeNet.World(_host).AssertEqual(broken);
        ToolResult repaired = Run();
        Assert.Equal(0, repaired.ExitCode);
        Assert.StartsWith("put right: ", repaired.Output, StringComparison.Ordinal);

        BridgeNet.World(_host).AssertEqual(before);
        _container.Check("bridge", s_network, s_ports);
        _host.Status("bridge", s_network).RequireSuccess();
        RequireReach(add.Address());
        Assert.Equal("nothing to do\n", Run().Output);
        Assert.Equal(0, Run("--check").ExitCode);
        _container.Delete("bridge", s_network);
        Assert.DoesNotContain("cni_plugins", Ruleset(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_element_of_nobody_goes_and_one_that_leads_elsewhere_is_put_right()
    {
        _container.Add("bridge", s_network, s_ports);
        World before = BridgeNet.World(_host);
        Take("add element inet cni_plugins masqueraded4 { 10.9.9.9 comment \"net1/gone/eth0\" }");
        Take("add element inet cni_plugins published_any4 { tcp . 9999 : 10.1.0.2 . 22 }");
        Take("delete element inet cni_plugins published_any4 { tcp . 8080 }");
        Take("add element inet cni_plugins published_any4 { tcp . 8080 : 10.1.0.2 . 22 }");

        string output = Run().Output;

        Assert.Contains("net1/gone/eth0", output, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>Every network, the driver's part and the chained ones; and DEL still removes all of it.</summary>
    [Fact]
    public void Everything_of_the_host_comes_back()
    {
        Container second = _host.Container("second");
        Container third = _host.Container("third");
        World empty = BridgeNet.World(_host);
        string ptp = BridgeNet.With(BridgeNet.Of("10.3.0.0/24", name: "net3"), """{"type":"ptp"}""");
        string macvlan = SubNet.Of("macvlan", """{"hostAccess":true,"detectDuplicates":false}""", "1.1.0", "net4", SubNet.Lan4, SubNet.Lan6);
        _container.AddList(Portmap(), BridgeNet.Ports(BridgeNet.Port(8090, 80, hostIp: "0.0.0.0")));
        second.Add("ptp", ptp, BridgeNet.Ports(BridgeNet.Port(8091, 80)));
        third.Add("macvlan", macvlan, BridgeNet.Ports(BridgeNet.Port(8092, 80)));
        World before = BridgeNet.World(_host);

        Take("flush ruleset");
        _host.Netns.SetSysctl($"net/ipv4/conf/{BridgeNet.PeerOf(_host, second).Text("ifname")}/route_localnet", "0");
        Assert.Equal(0, Run().ExitCode);

        BridgeNet.World(_host).AssertEqual(before);
        using TcpEcho one = new(_container.Netns, 80);
        using TcpEcho two = new(second.Netns, 80);
        using TcpEcho three = new(third.Netns, 80);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8090).Server);
        Assert.Equal("second", Reach.Tcp(_host.Netns, "127.0.0.1", 8091).Server);
        Assert.Equal("third", Reach.Tcp(_host.Netns, "127.0.0.1", 8092).Server);

        Take("flush ruleset");
        _container.DeleteList(Portmap());
        second.Delete("ptp", ptp);
        third.Delete("macvlan", macvlan);
        BridgeNet.World(_host).AssertEqual(empty);
    }

    /// <summary>An ADD where all rules are gone brings back those of the others as well: with ports, without, and where only the rules are gone.</summary>
    [Theory]
    [InlineData("flush ruleset", true)]
    [InlineData("flush ruleset", false)]
    [InlineData("flush table inet cni_plugins", true)]
    [InlineData("delete table bridge cni_plugins", false)]
    public void An_ADD_brings_back_what_the_others_lost(string way, bool ports)
    {
        CniCall add = _container.Add("bridge", s_network, s_ports);
        World one = BridgeNet.World(_host);
        Container second = _host.Container("second");

        Take(way);
        second.Add("bridge", s_network, ports ? BridgeNet.Ports(BridgeNet.Port(8082, 80)) : null);

        _container.Check("bridge", s_network, s_ports);
        RequireReach(add.Address());
        Assert.Equal("nothing to do\n", Run().Output);
        second.Delete("bridge", s_network);
        BridgeNet.World(_host).Except("[second]").AssertEqual(one);
    }

    [Fact]
    public void A_DEL_where_everything_is_gone_leaves_nothing()
    {
        World before = BridgeNet.World(_host);
        _container.Add("bridge", s_network, s_ports);
        Take("flush ruleset");

        _container.Delete("bridge", s_network);

        BridgeNet.World(_host).AssertEqual(before);
        Assert.Equal("nothing to do\n", Run().Output);
    }

    [Fact]
    public void Forwarding_that_was_switched_on_here_is_switched_on_again()
    {
        _host.Netns.SetSysctl("net/ipv4/ip_forward", "0");
        _container.Add("bridge", s_network);
        _host.Netns.SetSysctl("net/ipv4/ip_forward", "0");
        _host.Netns.SetSysctl("net/ipv6/conf/all/forwarding", "0");   // somebody else's: it was on before

        Assert.Equal("put right: net/ipv4/ip_forward was switched off\n", Run().Output);

        Assert.Equal("1", _host.Netns.FindSysctl("net/ipv4/ip_forward"));
        Assert.Equal("0", _host.Netns.FindSysctl("net/ipv6/conf/all/forwarding"));
    }

    [Fact]
    public void Wrong_words_are_refused()
    {
        Assert.Equal(2, Run("--chek").ExitCode);
        Assert.Equal(2, Run("--check", "x").ExitCode);
        Assert.StartsWith("usage: cni-reconcile", Run("--help").Output, StringComparison.Ordinal);
        File.WriteAllText(_host.ConfigurationFile, "{");
        ToolResult failed = Run();
        Assert.Equal(3, failed.ExitCode);
        Assert.StartsWith("cni-reconcile: ", failed.Error, StringComparison.Ordinal);
    }

    private static string Portmap() =>
        $$"""{"cniVersion":"1.1.0","name":"net2","plugins":[{{BridgeNet.Of("10.2.0.0/24", name: "net2", bridge: "br2")}},{"type":"portmap","capabilities":{"portMappings":true} } ] }""";

    private void Take(string way) => _host.Netns.NftScript(way);

    private ToolResult Run(params string[] arguments) => Reconcile.Run(_host, arguments);

    private string Ruleset() => _host.Netns.Exec(Nft, "list", "ruleset").Output;

    /// <summary>Published ports answer, on loopback and on the LAN; nothing else does.</summary>
    private void RequireReach(string address)
    {
        using TcpEcho web = new(_container.Netns, 80);
        using UdpEcho datagrams = new(_container.Netns, 53);
        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8081).Server);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        Assert.Equal("web", Reach.Udp(_host.Lan, TestHost.Address4, 8053).Server);
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host.Lan, address, 80).Outcome);
    }
}
