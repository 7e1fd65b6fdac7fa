using System.Net;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Netlink;
using CniPlugins.Publishing;

namespace CniPlugins.NetnsTests;

/// <summary>Ports of a running container, published and withdrawn.</summary>
public sealed class LivePortsTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public LivePortsTests()
    {
        _container = _host.Container("web");
        BridgeNet.EnableForwarding(_host);
    }

    public static TheoryData<string, bool> Kinds => new()
    {
        { "bridge", false }, { "bridge", true }, { "layer 3 without masquerade", false }, { "ptp", false }, { "macvlan", false },
        { "portmap", false }, { "portmap", true },
    };

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(Kinds))]
    public void A_port_comes_moves_and_goes(string kind, bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string list = List(kind);
        World before = BridgeNet.World(_host);
        _container.AddList(list, BridgeNet.Ports(BridgeNet.Port(8079, 79)));
        using TcpEcho first = new(_container.Netns, 80);
        using TcpEcho second = new(_container.Netns, 81, "0.0.0.0");

        IReadOnlyList<PublishedPort> ports = Change([Port(8080, 80, "0.0.0.0")], []);

        Assert.Single(ports, static port => port.HostPort == 8080);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        Assert.Equal("web", Reach.Tcp(_container.Netns, kind == "macvlan" ? "127.0.0.1" : TestHost.Address4, kind == "macvlan" ? 80 : 8080).Server);
        _container.CheckList(list);

        Change([Port(8080, 81, "0.0.0.0")], [Port(8080, 0)]);
        Assert.Single(BridgeNet.Elements(_host, "published_any4"));
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        _host.Netns.NftScript("flush ruleset");
        Assert.Equal(0, Reconcile.Run(_host).ExitCode);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);

        Change([], [Port(8080, 0), Port(8079, 0)]);
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Outcome);
        Assert.Empty(BridgeNet.Elements(_host, "published_any4"));
        _container.CheckList(list);
        Change([Port(8082, 80)], []);
        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8082).Server);

        _container.DeleteList(list);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void What_somebody_has_is_refused_and_nothing_changes()
    {
        Container other = _host.Container("other");
        _container.AddList(List("bridge"), BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: "0.0.0.0")));
        other.Add("bridge", BridgeNet.Of(), BridgeNet.Ports(BridgeNet.Port(8090, 80)));
        using TcpEcho process = new(_host.Netns, 8070);
        World before = BridgeNet.World(_host);

        Refused(11, [Port(8090, 80)], []);
        Refused(11, [Port(8090, 80, "0.0.0.0")], [Port(8080, 0)]);
        Refused(11, [Port(8070, 80)], []);
        Refused(11, [Port(8080, 81, "192.0.2.1")], []);
        Refused(7, [], [Port(8090, 0)]);
        Refused(7, [Port(8091, 80, "::")], []);
        BridgeNet.World(_host).AssertEqual(before);
        Assert.Equal(2, Change([Port(8080, 80, "0.0.0.0"), Port(8081, 80)], []).Count);
    }

    [Fact]
    public void Without_a_running_container_nothing_is_published()
    {
        Assert.Equal(3, (int)Assert.Throws<CniException>(() => Change([Port(8080, 80)], [])).Code);
        string list = List("bridge");
        _container.AddList(list);
        string record = Path.Combine(_host.StateDirectory, $"attachments/net1/{_container.Id}:eth0.json");
        string text = File.ReadAllText(record);
        File.WriteAllText(record, text.Replace(_container.Netns.Path, _host.Netns.Path, StringComparison.Ordinal));
        Refused(3, [Port(8080, 80)], []);
        File.WriteAllText(record, text);
        _container.Netns.Ip("address flush dev eth0");
        Refused(7, [Port(8080, 80)], []);
    }

    [Fact]
    public void The_kth_request_fails_and_all_is_as_before_or_DEL_removes_it()
    {
        string list = List("bridge");
        World empty = BridgeNet.World(_host);
        _container.AddList(list, BridgeNet.Ports(BridgeNet.Port(8079, 79, "udp")));
        int failed = 0;
        for (int k = 1; ; k++)
        {
            FaultingSockets sockets = new(k, Errno.ENOMEM);
            try
            {
                Change([Port(8080, 80)], [Port(8079, 0) with { Protocol = PortProtocol.Udp }], sockets);
            }
            catch (Exception e) when (e is IOException or CniException)
            {
                failed++;
            }

            _container.DeleteList(list);
            BridgeNet.World(_host).AssertEqual(empty);
            if (k > sockets.Requests)
            {
                break;
            }

            _container.AddList(list, BridgeNet.Ports(BridgeNet.Port(8079, 79, "udp")));
        }

        Assert.True(failed >= 4, $"only {failed} failures");
    }

    [Fact]
    public void Many_at_once()
    {
        _container.AddList(List("bridge"));
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(i => new Thread(() => Change([Port((ushort)(9000 + i), 80)], [])))];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());

        Assert.Equal(8, BridgeNet.Elements(_host, "published4").Count);
        _container.CheckList(List("bridge"));
    }

    private static PortMapping Port(ushort host, ushort container, string? address = null) =>
        new(host, container, PortProtocol.Tcp, address is null ? [] : [IPAddress.Parse(address)]);

    private static string List(string kind)
    {
        string bridge = BridgeNet.Of();
        string plugins = kind switch
        {
            "bridge" => Publishing(bridge),
            "layer 3 without masquerade" => Publishing(BridgeNet.With(bridge, """{"ipMasq":false}""")),
            "ptp" => Publishing(BridgeNet.With(bridge, """{"type":"ptp","ipam":{"type":"host-local","subnet":"10.1.0.0/24","routes":[{"dst":"0.0.0.0/0"}]}}""")),
            "macvlan" => Publishing(SubNet.Of("macvlan", """{"hostAccess":true,"detectDuplicates":false}""", "1.1.0", "net1", SubNet.Lan4, SubNet.Lan6)),
            _ => $"{bridge},{Publishing("""{"type":"portmap"}""")}",
        };
        return $$"""{"cniVersion":"1.1.0","name":"net1","plugins":[{{plugins}}]}""";
    }

    private static string Publishing(string plugin) => BridgeNet.With(plugin, """{"capabilities":{"portMappings":true}}""");

    private void Refused(int code, PortMapping[] publish, PortMapping[] withdraw) =>
        Assert.Equal(code, (int)Assert.Throws<CniException>(() => Change(publish, withdraw)).Code);

    private IReadOnlyList<PublishedPort> Change(PortMapping[] publish, PortMapping[] withdraw, INetlinkSockets? sockets = null) => _host.Netns.Run(() =>
    {
        CniEnvironment environment = new(
            new Dictionary<string, string> { ["CNI_PLUGINS_CONFIG"] = _host.ConfigurationFile }, Stream.Null, Stream.Null, Stream.Null);
        using Host host = Host.Open(sockets ?? NetlinkSocket.Kernel, environment);
        return LivePorts.Change(host, sockets ?? NetlinkSocket.Kernel, new AttachmentId("net1", _container.Id, "eth0"), publish, withdraw);
    });
}
