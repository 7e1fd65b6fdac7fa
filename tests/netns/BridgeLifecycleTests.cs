using System.Text.Json.Nodes;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>What ADD makes, DEL and GC take away, whatever the runtime forgot to say and whoever else is there.</summary>
public sealed class BridgeLifecycleTests : IDisposable
{
    private const string Ports = """{"portMappings":[{"hostPort":8080,"containerPort":80},{"hostPort":53,"containerPort":53,"protocol":"udp","hostIP":"0.0.0.0"}]}""";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly string _network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"macspoofchk":true,"isolation":"full","capabilities":{"portMappings":true}}""");

    public BridgeLifecycleTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
    }

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("10.1.0.0/24", "{}")]
    [InlineData("fd00:1::/64", "{}")]
    [InlineData("10.1.0.0/24 fd00:1::/64", """{"macspoofchk":true,"isolation":"full","portIsolation":true,"hairpinMode":true,"mtu":1400}""")]
    [InlineData("10.1.0.0/24", """{"ipam":{}}""")]
    [InlineData("10.1.0.0/24", """{"ipMasq":false,"isDefaultGateway":false}""")]
    [InlineData("10.1.0.0/24", """{"promiscMode":true,"isolation":"full"}""")]
    [InlineData("10.1.0.0/24 fd00:1::/64", """{"icc":false,"ipspoofchk":true,"isolation":"full","outboundAddress":["192.0.2.1","2001:db8:1::1"]}""")]
    [InlineData("10.1.0.0/24 fd00:1::/64", """{"internal":true,"ipMasq":false,"icc":false}""")]
    public void Add_and_del_leave_the_world_as_it_was(string subnets, string extra)
    {
        string network = BridgeNet.Of(subnets, extra);
        World before = BridgeNet.World(_host);

        _container.Add("bridge", network);
        Assert.NotEqual("", BridgeNet.World(_host).Difference(before));
        _container.Delete("bridge", network);
        BridgeNet.World(_host).AssertEqual(before);
        _container.Delete("bridge", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("as a runtime does it")]
    [InlineData("no CNI_NETNS")]
    [InlineData("the path is gone")]
    [InlineData("the namespace is gone")]
    [InlineData("the path is a file")]
    [InlineData("another namespace by now")]
    [InlineData("no prevResult")]
    [InlineData("no runtimeConfig")]
    [InlineData("no ipam")]
    [InlineData("a broken ipam")]
    [InlineData("another bridge")]
    [InlineData("the name alone")]
    public void W1_del_needs_container_interface_and_network_name_alone(string how)
    {
        World before = BridgeNet.World(_host);
        _container.Add("bridge", _network, new CniOptions { RuntimeConfig = Ports });
        CniOptions options = new() { RuntimeConfig = Ports };
        string network = _network;
        switch (how)
        {
            case "no CNI_NETNS": options = options with { NetnsPath = "" }; break;
            case "the path is gone": options = options with { NetnsPath = "/run/netns/gone" }; break;
            case "the path is a file": options = options with { NetnsPath = "/etc/hostname" }; break;
            case "another namespace by now": options = options with { NetnsPath = _host.Lan.Path }; break;
            case "no prevResult": options = options with { OmitPreviousResult = true }; break;
            case "no runtimeConfig": options = new CniOptions(); break;
            case "no ipam": network = BridgeNet.With(network, """{"ipam":{}}"""); break;
            case "a broken ipam": network = BridgeNet.With(network, """{"ipam":{"type":"host-local","ranges":[[{"subnet":"nonsense"}]]}}"""); break;
            case "another bridge": network = BridgeNet.With(network, """{"bridge":"br9"}"""); break;
            case "the name alone": network = """{"cniVersion":"1.1.0","name":"net1","type":"bridge"}"""; break;
            case "the namespace is gone": options = options with { NetnsPath = $"/proc/{Environment.ProcessId}/fd/99999" }; break;
        }

        CniCall delete = _container.TryDelete("bridge", network, options);

        Assert.True(delete.Succeeded, delete.ToString());
        if (how is "no ipam" or "the name alone" or "a broken ipam")
        {
            // The lease is the allocator's, which only the right configuration names for sure; it goes with the next DEL.
            BridgeNet.World(_host).Except("[files] var/lib/cni").AssertEqual(before.Except("[files] var/lib/cni"));
            _container.Delete("bridge", _network, new CniOptions { NetnsPath = "", OmitPreviousResult = true });
        }

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void The_namespace_dies_before_del()
    {
        World before = BridgeNet.World(_host);
        using (Netns shortLived = Netns.Create("short"))
        {
            _container.Add("bridge", _network, new CniOptions { RuntimeConfig = Ports, NetnsPath = shortLived.Path });
        }

        _container.Delete("bridge", _network, new CniOptions { NetnsPath = "", OmitPreviousResult = true });
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void Del_of_what_the_reference_made()
    {
        Reference.Require();
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"ipMasq":false}""", version: "1.0.0");
        Container first = _host.Container("first");
        first.Add("bridge", network, Reference.Options);   // makes the bridge, which the reference never removes
        first.Delete("bridge", network, Reference.Options);
        World before = BridgeNet.World(_host);

        _container.Add("bridge", network, Reference.Options);
        _container.Delete("bridge", network);

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void Add_beside_what_the_reference_made()
    {
        Reference.Require();
        string network = BridgeNet.Of(version: "1.0.0");
        Container theirs = _host.Container("theirs");
        CniCall first = theirs.Add("bridge", network, Reference.Options);

        CniCall second = _container.Add("bridge", network);

        Assert.NotEqual(first.Address(), second.Address());
        Assert.True(_container.Netns.Ping(first.Address()) && theirs.Netns.Ping(second.Address()));
        _container.Delete("bridge", network);
        Assert.True(theirs.Netns.Ping("10.1.0.1"));
        theirs.Delete("bridge", network);
    }

    [Fact]
    public void W5_a_repeated_add_of_a_live_attachment_changes_nothing()
    {
        _container.Add("bridge", _network, new CniOptions { RuntimeConfig = Ports });
        World before = BridgeNet.World(_host);

        _container.TryAdd("bridge", _network, new CniOptions { RuntimeConfig = Ports }).RequireError(4);

        BridgeNet.World(_host).AssertEqual(before);
        _container.Check("bridge", _network, new CniOptions { RuntimeConfig = Ports });
    }

    [Fact]
    public void An_interface_of_somebody_else_is_left()
    {
        _container.Netns.Ip("link add eth0 type veth peer name other");
        World before = BridgeNet.World(_host);

        _container.TryAdd("bridge", _network).RequireError(4);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void W30_the_hosts_own_namespace_is_refused_before_anything_is_done()
    {
        World before = BridgeNet.World(_host);

        _container.TryAdd("bridge", _network, new CniOptions { NetnsPath = "/proc/self/ns/net" }).RequireError(8);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void A_container_restarted_under_its_id_in_another_namespace()
    {
        World before = BridgeNet.World(_host);
        using Netns reborn = Netns.Create("reborn");
        using Netns last = Netns.Create("last");
        _container.Add("bridge", _network, new CniOptions { RuntimeConfig = Ports });

        _container.Add("bridge", _network, new CniOptions { RuntimeConfig = Ports, NetnsPath = reborn.Path });
        _container.Add("bridge", _network, new CniOptions { RuntimeConfig = Ports, NetnsPath = last.Path });

        Assert.True(last.Ping("10.1.0.1"));
        Assert.Single(BridgeNet.Elements(_host, "masqueraded4"));
        Assert.Null(BridgeNet.FindLink(reborn, "eth0"));
        _container.Delete("bridge", _network, new CniOptions { NetnsPath = last.Path });
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void W28_two_interfaces_on_one_network_and_one_on_another()
    {
        World before = BridgeNet.World(_host);
        string plain = BridgeNet.Of(extra: """{"isDefaultGateway":false,"isGateway":true}""");
        string other = BridgeNet.Of("10.2.0.0/24", name: "net2");   // the same bridge
        CniOptions second = new() { InterfaceName = "eth1", RuntimeConfig = """{"portMappings":[{"hostPort":8081,"containerPort":80}]}""" };
        CniOptions third = new() { InterfaceName = "eth2" };
        string address = _container.Add("bridge", plain, BridgeNet.Ports(BridgeNet.Port(8080, 80))).Address();
        _container.Add("bridge", plain, second);
        _container.Add("bridge", other, third);
        using TcpEcho server = new(_container.Netns, 80);
        Assert.Equal(3, BridgeNet.Elements(_host, "masqueraded4").Count);

        _container.Delete("bridge", plain, second);

        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8080).Server);
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host.Netns, "127.0.0.1", 8081).Outcome);
        Assert.Equal(2, BridgeNet.Elements(_host, "masqueraded4").Count);
        _container.Check("bridge", plain, BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        _container.Check("bridge", other, third);
        _container.Delete("bridge", plain);
        Assert.Equal(["10.1.0.1/24", "10.2.0.1/24"], BridgeNet.AddressesOf(_host.Netns, "br1"));
        Assert.True(_container.Netns.Ping("10.2.0.1"), address);
        _container.Delete("bridge", other, third);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void The_admins_bridge_addresses_and_ports_stay()
    {
        _host.Netns.Ip("link add br1 address 02:00:00:00:00:99 type bridge");
        _host.Netns.Ip("address add 10.1.0.1/24 dev br1");
        _host.Netns.Ip("link set br1 up");
        World before = BridgeNet.World(_host);

        _container.Add("bridge", _network);
        _container.Delete("bridge", _network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void Our_bridge_with_a_foreign_port_stays_until_that_is_gone()
    {
        World before = BridgeNet.World(_host);
        _container.Add("bridge", _network);
        _host.Netns.Ip("link add mine type veth peer name mine2");
        _host.Netns.Ip("link set mine master br1");

        _container.Delete("bridge", _network);

        Assert.NotNull(BridgeNet.FindLink(_host.Netns, "br1"));
        _host.Netns.Ip("link del mine");
        _container.Add("bridge", _network);
        _container.Delete("bridge", _network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData(null)]
    public void W9_gc_of_everything(string? valid)
    {
        Container second = _host.Container("second");
        World before = BridgeNet.World(_host);
        _container.Add("bridge", _network, new CniOptions { RuntimeConfig = Ports });
        second.Add("bridge", _network);
        JsonObject sent = Json.Object(_network);
        if (valid is not null)
        {
            sent["cni.dev/valid-attachments"] = JsonNode.Parse(valid);
            sent["cni.dev/attachments"] = JsonNode.Parse(valid);
        }

        _host.Call("GC", "bridge", sent.ToJsonString(), new Dictionary<string, string>()).RequireSuccess();

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void W9_CF_03_gc_keeps_the_valid_and_other_networks()
    {
        string other = BridgeNet.Of("10.2.0.0/24", name: "net2");
        Container stale = _host.Container("stale");
        Container foreign = _host.Container("foreign");
        _container.Add("bridge", _network, new CniOptions { RuntimeConfig = Ports });
        foreign.Add("bridge", other);
        World before = BridgeNet.World(_host);
        stale.Add("bridge", _network, BridgeNet.Ports(BridgeNet.Port(8090, 80)));

        _host.Gc("bridge", _network, (_container.Id, "eth0")).RequireSuccess();

        BridgeNet.World(_host).AssertEqual(before);
        _container.Check("bridge", _network, new CniOptions { RuntimeConfig = Ports });
        foreign.Check("bridge", other);
    }

    [Fact]
    public void Twenty_at_once()
    {
        Container[] containers = [.. Enumerable.Range(0, 20).Select(n => _host.Container($"c{n}"))];
        World before = BridgeNet.World(_host);
        for (int round = 0; round < 3; round++)
        {
            CniCall[] adds = AtOnce(containers, (c, n) => c.TryAdd("bridge", _network, BridgeNet.Ports(BridgeNet.Port(9000 + n, 80))));
            Assert.All(adds, static add => Assert.True(add.Succeeded, add.ToString()));
            Assert.Equal(40, adds.SelectMany(static add => add.Addresses).Distinct().Count());
            Assert.True(containers[7].Netns.Ping(adds[13].Address()));

            // Half of them go while the others are checked, then both ways at once.
            CniCall[] mixed = AtOnce(containers, (c, n) => n % 2 == 0
                ? c.TryDelete("bridge", _network, new CniOptions { NetnsPath = "", OmitPreviousResult = true })
                : c.TryCheck("bridge", _network, BridgeNet.Ports(BridgeNet.Port(9000 + n, 80))));
            Assert.All(mixed, static call => Assert.True(call.Succeeded, call.ToString()));
            CniCall[] crossing = AtOnce(containers, (c, n) => n % 2 == 0 ? c.TryAdd("bridge", _network) : c.TryDelete("bridge", _network));
            Assert.All(crossing, static call => Assert.True(call.Succeeded, call.ToString()));
            CniCall[] last = AtOnce(containers, (c, n) => n == 1 ? _host.Gc("bridge", _network) : c.TryDelete("bridge", _network));
            Assert.All(last, static call => Assert.True(call.Succeeded, call.ToString()));
            BridgeNet.World(_host).AssertEqual(before);
        }
    }

    private static CniCall[] AtOnce(Container[] containers, Func<Container, int, CniCall> call)
    {
        CniCall[] calls = new CniCall[containers.Length];
        Thread[] threads = [.. containers.Select((container, n) => new Thread(() => calls[n] = call(container, n)))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        return calls;
    }
}
