using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>
/// The directory is replaced while containers run: what the reference plugins made is checked, deleted and collected by ours, and the other way round. What
/// the reference shares among containers and never removes (its top chains, its bridge) is there before the comparison begins.
/// </summary>
public sealed class SwitchOverTests : IDisposable
{
    private const string Both = "10.1.0.0/24 fd00:1::/64";
    private const string MasqueradeTable = "inet cni_plugins_masquerade";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _first;
    private readonly Container _container;

    public SwitchOverTests()
    {
        Reference.Require();
        _first = _host.Container("first");
        _container = _host.Container("web");
        BridgeNet.EnableForwarding(_host);
    }

    /// <summary>Chains of the reference, as a version that Debian's build speaks.</summary>
    public static TheoryData<string> Chains => ["bridge", "spoof", "portmap", "portmap-nft", "same-bridge", "ptp", "bandwidth", "macvlan", "all"];

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(Chains))]
    public void What_the_reference_made_is_checked_and_deleted(string chain)
    {
        string list = List(chain);
        World before = Settled(list);

        _container.AddList(list, By(reference: true));
        _container.CheckList(list, By(reference: false));
        _container.DeleteList(list, By(reference: false));
        World().AssertEqual(before);

        _container.DeleteList(list, By(reference: false));
        World().AssertEqual(before);
    }

    /// <summary>The container is gone, and the runtime knows no result.</summary>
    [Theory, MemberData(nameof(Chains))]
    public void It_is_deleted_without_a_namespace_and_a_result(string chain)
    {
        string list = List(chain);
        World before = Settled(list);
        _container.AddList(list, By(reference: true));
        _container.Netns.Ip("link del eth0");   // as the kernel does when the namespace goes

        _container.DeleteList(list, By(reference: false) with { NetnsPath = "" });

        World().AssertEqual(before);
    }

    /// <summary>GC knows containers by the comments of rules, and by leases: of a firewall's rules only where the network masquerades as well.</summary>
    [Theory]
    [InlineData("bridge")]
    [InlineData("spoof")]
    [InlineData("portmap")]
    [InlineData("same-bridge")]
    [InlineData("ptp")]
    public void It_is_collected(string chain)
    {
        string list = List(chain);
        World before = Settled(list);
        Container kept = _host.Container("kept");
        kept.AddList(list, By(reference: true, port: 8090));
        World with = World();
        _container.AddList(list, By(reference: true));
        _container.Netns.Ip("link del eth0");

        Collect(list, (kept.Id, "eth0"));
        World().AssertEqual(with);
        kept.Netns.Ip("link del eth0");
        Collect(list);

        World().Except("[kept]").AssertEqual(before);
    }

    /// <summary>Others' rules stay: of the network's other containers, and of those that only look alike.</summary>
    [Fact]
    public void Nothing_else_is_touched()
    {
        string list = List("all");
        Settled(list);
        Container other = _host.Container("other");
        other.AddList(list, By(reference: true, port: 8090));
        _host.Netns.Exec("/usr/sbin/iptables", "-t", "nat", "-N", "CNI-0123456789abcdef01234567");
        _host.Netns.Exec("/usr/sbin/iptables", "-t", "nat", "-A", "POSTROUTING", "-s", "10.9.9.9", "-j", "CNI-0123456789abcdef01234567");
        _host.Netns.Exec("/usr/sbin/iptables", "-A", "CNI-FORWARD", "-s", "10.1.0.0/28", "-j", "ACCEPT");
        World before = World();
        _container.AddList(list, By(reference: true));

        _container.DeleteList(list, By(reference: false));

        World().AssertEqual(before);
        using TcpEcho web = new(other.Netns, 80);
        Assert.Equal("other", Reach.Tcp(_host.Lan, TestHost.Address4, 8090).Server);
    }

    /// <summary>Rules of the masquerading backend that newer releases have beside iptables, as they stand in the kernel.</summary>
    [Fact]
    public void The_newer_releases_masquerading_by_nftables_is_removed()
    {
        string list = List("bridge");
        string ours = Digest("net1") + "-" + Digest($"eth0:{_container.Id}");
        string theirs = Digest("net1") + "-" + Digest("eth0:other");
        _host.Netns.NftScript(
            $$"""
            table {{MasqueradeTable}} {
              chain masq_checks {
                ip saddr 10.1.0.2 ip daddr != 10.1.0.0/24 masquerade comment "{{ours}}, net: net1, if: eth0, id: {{_container.Id}}"
                ip saddr 10.1.0.3 ip daddr != 10.1.0.0/24 masquerade comment "{{theirs}}, net: net1, if: eth0, id: other"
              }
            }
            """);

        _container.DeleteList(list, By(reference: false) with { OmitPreviousResult = true });

        string rules = _host.Netns.Exec("/usr/sbin/nft", ["list", "table", .. MasqueradeTable.Split(' ')]).Output;
        Assert.DoesNotContain(ours, rules, StringComparison.Ordinal);
        Assert.Contains(theirs, rules, StringComparison.Ordinal);
    }

    /// <summary>No program is needed for any of it.</summary>
    [Fact]
    public void No_program_is_executed()
    {
        string list = List("all");
        World before = Settled(list);
        _container.AddList(list, By(reference: true));

        _container.DeleteList(list, By(reference: false) with { Environment = new Dictionary<string, string> { ["PATH"] = "/nonexistent" } });

        World().AssertEqual(before);
    }

    /// <summary>
    /// And back: what ours made, the reference deletes as far as it knows it, and the next DEL or GC of ours removes the rest. With <c>ipMasq</c> its first DEL
    /// complains of a chain of iptables that it does not find, when interface and lease are gone already; repeated, as runtimes do, it succeeds.
    /// </summary>
    [Theory]
    [InlineData("bridge", false)]
    [InlineData("portmap", false)]
    [InlineData("same-bridge", true)]
    [InlineData("ptp", false)]
    [InlineData("macvlan", true)]
    public void What_ours_made_is_deleted_by_the_reference_and_the_rest_by_ours(string chain, bool collect)
    {
        string list = List(chain);
        World before = Settled(list);
        _container.AddList(list, By(reference: false));

        foreach ((string type, string configuration) in CniList.Plugins(list, null).Reverse())
        {
            CniCall first = _container.TryDelete(type, configuration, Reference.Options);
            Assert.True(first.Succeeded || first.Message.Contains("does not exist", StringComparison.Ordinal), first.ToString());
            _container.Delete(type, configuration, Reference.Options);
        }

        Assert.DoesNotContain("eth0", _container.Netns.Exec("/usr/sbin/ip", "-br", "link").Output, StringComparison.Ordinal);
        if (collect)
        {
            Collect(list);
        }
        else
        {
            _container.DeleteList(list, By(reference: false));
        }

        World().AssertEqual(before);
    }

    /// <summary>What the reference leaves for ever is made by a first container, which comes and goes.</summary>
    private World Settled(string list)
    {
        _first.AddList(list, By(reference: true, port: 8070));
        _first.DeleteList(list, By(reference: true, port: 8070));
        return World();
    }

    // The reference's own bridge, and route_localnet of it, stay; an address that a bridge's first container had brings them along.
    private World World() => BridgeNet.World(_host).Except("last_reserved_ip", "run/cni/");

    private void Collect(string list, params (string ContainerId, string InterfaceName)[] valid)
    {
        foreach ((string type, string configuration) in CniList.Plugins(list, null))
        {
            _host.Gc(type, BridgeNet.With(configuration, """{"cniVersion":"1.1.0"}"""), valid).RequireSuccess();
        }
    }

    private static string Digest(string text) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA512.HashData(System.Text.Encoding.UTF8.GetBytes(text)))[..16];

    private bool Has(string type) => File.Exists(Path.Combine(_host.Binaries, type));

    private static CniOptions By(bool reference, int port = 8080) => BridgeNet.Ports(BridgeNet.Port(port, 80, hostIp: "0.0.0.0")) with
    {
        Binaries = reference ? TestHost.ReferenceBinaries : null,
    };

    private string List(string chain)
    {
        if (chain == "bandwidth")
        {
            Assert.SkipUnless(Has("bandwidth"), "there is no bandwidth yet");
        }

        const string Portmap = """{"type":"portmap","capabilities":{"portMappings":true}}""";
        const string Bandwidth = """{"type":"bandwidth","ingressRate":20000000,"ingressBurst":4000000,"egressRate":20000000,"egressBurst":4000000}""";
        string bridge = BridgeNet.Of(Both, version: "1.0.0");
        string plugins = chain switch
        {
            "bridge" => bridge,
            "spoof" => BridgeNet.With(bridge, """{"macspoofchk":true}"""),
            "portmap" => $"{bridge},{Portmap}",
            "portmap-nft" => $"{bridge},{BridgeNet.With(Portmap, """{"backend":"nftables"}""")}",
            "same-bridge" => $$"""{{bridge}},{{Portmap}},{"type":"firewall","ingressPolicy":"same-bridge"}""",
            "ptp" => $$"""{{BridgeNet.With(bridge, """{"type":"ptp"}""")}},{{Portmap}},{"type":"firewall"}""",
            "bandwidth" => $"{bridge},{Bandwidth}",
            "macvlan" => SubNet.Of("macvlan", version: "1.0.0"),
            "all" => $$"""{{BridgeNet.With(bridge, """{"macspoofchk":true}""")}},{{Portmap}},{"type":"firewall"}"""
                + (Has("tuning") ? """,{"type":"tuning","mtu":1400}""" : "") + (Has("bandwidth") ? $",{Bandwidth}" : ""),
            _ => throw new ArgumentOutOfRangeException(nameof(chain), chain, "no such chain"),
        };
        return $$"""{"cniVersion":"1.0.0","name":"net1","plugins":[{{plugins}}]}""";
    }
}
