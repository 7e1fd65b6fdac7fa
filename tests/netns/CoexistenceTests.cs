using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>
/// Beside the tables of others, as they lay them: ours works, and theirs are the same afterwards to the letter. What their reloads take away is noticed and put
/// back.
/// </summary>
public sealed class CoexistenceTests : IDisposable
{
    private const string Docker = """
        table ip docker-bridges {
          map filter-forward-in-jumps { type ifname : verdict; elements = { "docker0" : jump filter-forward-in__docker0 } }
          map nat-postrouting-out-jumps { type ifname : verdict; elements = { "docker0" : jump nat-postrouting-out__docker0 } }
          chain filter-forward-in__docker0 {
            ct state established,related counter accept
            iifname "docker0" counter accept comment "ICC"
            ip daddr 172.17.0.2 tcp dport 80 counter accept
            counter drop comment "UNPUBLISHED PORT DROP"
          }
          chain nat-postrouting-out__docker0 { oifname != "docker0" ip saddr 172.17.0.0/16 counter masquerade comment "MASQUERADE"; }
          chain nat-prerouting-and-output { ip daddr 127.0.0.1 tcp dport 8000 counter dnat to 172.17.0.2:80; }
          chain filter-FORWARD { type filter hook forward priority filter; policy accept; oifname vmap @filter-forward-in-jumps; }
          chain nat-PREROUTING { type nat hook prerouting priority dstnat; policy accept; fib daddr type local counter jump nat-prerouting-and-output; }
          chain nat-OUTPUT { type nat hook output priority -100; policy accept; ip daddr != 127.0.0.0/8 fib daddr type local counter jump nat-prerouting-and-output; }
          chain nat-POSTROUTING { type nat hook postrouting priority srcnat; policy accept; iifname vmap @nat-postrouting-out-jumps; }
          chain raw-PREROUTING {
            type filter hook prerouting priority raw; policy accept;
            ip daddr 172.17.0.2 iifname != "docker0" counter drop comment "DROP DIRECT ACCESS"
            iifname != "lo" ip daddr 127.0.0.1 tcp dport 8000 counter drop comment "DROP REMOTE LOOPBACK"
          }
        }
        """;

    private const string KubeProxy = """
        table ip kube-proxy {
          map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.96.0.1 . tcp . 443 : goto service-default } }
          map service-nodeports { type inet_proto . inet_service : verdict; elements = { tcp . 30080 : goto service-default } }
          set cluster-ips { type ipv4_addr; elements = { 10.96.0.1 } }
          chain service-default { meta l4proto tcp counter dnat to 10.244.0.9:443; }
          chain services { ip daddr . meta l4proto . th dport vmap @service-ips; ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @service-nodeports; }
          chain nat-prerouting { type nat hook prerouting priority dstnat; policy accept; jump services; }
          chain nat-output { type nat hook output priority -100; policy accept; jump services; }
          chain nat-postrouting { type nat hook postrouting priority srcnat; policy accept; meta mark & 0x00004000 != 0 counter masquerade; }
          chain filter-forward { type filter hook forward priority -110; policy accept; ct state new ip daddr @cluster-ips counter reject; }
        }
        """;

    private const string Firewalld = """
        table inet firewalld {
          chain filter_PREROUTING { type filter hook prerouting priority filter + 10; policy accept; icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept; }
          chain nat_PREROUTING { type nat hook prerouting priority dstnat + 10; policy accept; }
          chain nat_POSTROUTING { type nat hook postrouting priority srcnat + 10; policy accept; }
          chain filter_FORWARD {
            type filter hook forward priority filter + 10; policy accept;
            ct state { established, related } accept
            ct status dnat accept
            iifname "lo" accept
            ct state invalid drop
            reject with icmpx admin-prohibited
          }
        }
        """;

    private const string Kubernetes = """
        *nat
        :KUBE-SERVICES - [0:0]
        :KUBE-POSTROUTING - [0:0]
        :KUBE-MARK-MASQ - [0:0]
        -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
        -A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
        -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
        -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
        -A KUBE-POSTROUTING -j MASQUERADE --random-fully
        COMMIT
        *filter
        :KUBE-FORWARD - [0:0]
        -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
        -A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
        COMMIT

        """;

    private const string Ufw = """
        *filter
        :INPUT ACCEPT [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        :ufw-before-forward - [0:0]
        :ufw-reject-forward - [0:0]
        -A FORWARD -j ufw-before-forward
        -A FORWARD -j ufw-reject-forward
        -A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A ufw-before-forward -p icmp -m icmp --icmp-type 8 -j ACCEPT
        COMMIT

        """;

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public CoexistenceTests()
    {
        _container = _host.Container("web");
        BridgeNet.EnableForwarding(_host);
        _host.Lan.Ip($"route add 10.0.0.0/8 via {TestHost.Address4}");
    }

    public static TheoryData<string, bool> Others
    {
        get
        {
            TheoryData<string, bool> rows = [];
            foreach (string other in new[] { "docker", "kube-proxy", "firewalld", "kubernetes", "ufw", "all" })
            {
                rows.Add(other, false);
                rows.Add(other, true);
            }

            return rows;
        }
    }

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(Others))]
    public void Ours_works_and_theirs_stays(string other, bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        Lay(other);
        string theirs = Ruleset();
        Assert.NotEmpty(theirs);

        string address = _container.AddList(List(), Ports()).Address();
        RequireReach(address);
        _host.Netns.NftScript("delete table inet cni_plugins");
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Outcome);
        Assert.Equal(0, Reconcile.Run(_host).ExitCode);
        RequireReach(address);
        _container.CheckList(List());
        _container.DeleteList(List());

        Assert.Equal(theirs, Ruleset());
    }

    /// <summary>Their rules are loaded anew, from a file that knows nothing of ours.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reload_of_iptables_is_noticed_and_put_right(bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        Lay("ufw");
        string theirs = Ruleset();
        string address = _container.AddList(List(), Ports()).Address();
        RequireReach(address);
        World before = BridgeNet.World(_host);

        Lay("ufw");   // iptables-restore flushes the tables that it names
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Outcome);
        Assert.Contains("cni-reconcile", _container.TryCheck("firewall", """{"cniVersion":"1.1.0","name":"net1","type":"firewall"}""").RequireError(100).Message, StringComparison.Ordinal);
        Assert.Equal(1, Reconcile.Run(_host, "--check").ExitCode);
        Assert.Contains("iptables", Reconcile.Run(_host).Output, StringComparison.Ordinal);

        RequireReach(address);
        BridgeNet.World(_host).AssertEqual(before);
        Assert.Equal("nothing to do\n", Reconcile.Run(_host).Output);
        _container.DeleteList(List());
        Assert.Equal(theirs, Ruleset());
    }

    private static string List() =>
        $$"""{"cniVersion":"1.1.0","name":"net1","plugins":[{{BridgeNet.Of(extra: """{"isolation":"full","capabilities":{"portMappings":true}}""")}},{"type":"firewall"} ] }""";

    private static CniOptions Ports() => BridgeNet.Ports(BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"), BridgeNet.Port(8081, 80));

    private void Lay(string other)
    {
        foreach ((string name, string script) in new[] { ("docker", Docker), ("kube-proxy", KubeProxy), ("firewalld", Firewalld) })
        {
            if (other == name || other == "all")
            {
                _host.Netns.NftScript(script);
            }
        }

        foreach ((string name, string rules) in new[] { ("ufw", Ufw), ("kubernetes", Kubernetes) })
        {
            if (other == name || other == "all")
            {
                ToolResult result = _host.Netns.TryExec("/usr/sbin/iptables-restore", name == "ufw" ? [] : ["--noflush"], rules, null);
                Assert.True(result.ExitCode == 0, result.ToString());
            }
        }
    }

    private string Ruleset() => _host.Netns.Exec("/usr/sbin/nft", "-s", "list", "ruleset").Output;

    private void RequireReach(string address)
    {
        using TcpEcho web = new(_container.Netns, 80);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
        Assert.Equal("web", Reach.Tcp(_host.Netns, "127.0.0.1", 8081).Server);
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host.Lan, address, 80).Outcome);
    }
}
