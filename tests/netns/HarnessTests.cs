using System.Diagnostics;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The harness judges everything else, so it is judged first: what it promises, and that it would see a leak.</summary>
public sealed class HarnessTests
{
    [Fact]
    public void A_namespace_is_cut_off_from_the_machine()
    {
        using Netns netns = Netns.Create("alone");

        Assert.Equal("lo", Assert.Single(netns.Ip("-j link show").EnumerateArray()).Text("ifname"));
        Assert.NotEqual(File.ResolveLinkTarget("/proc/self/ns/net", false)!.Name, netns.Exec("readlink", "/proc/self/ns/net").Output.Trim());
        Assert.Equal(ReachOutcome.Unroutable, Reach.Tcp(netns, "192.0.2.2", 80).Outcome);
    }

    [Fact]
    public void A_kernel_parameter_is_written_inside_only()
    {
        string machine = File.ReadAllText("/proc/sys/net/ipv4/conf/all/route_localnet").Trim();
        using Netns netns = Netns.Create("sysctl");

        netns.SetSysctl("net/ipv4/conf/all/route_localnet", machine == "1" ? "0" : "1");

        Assert.NotEqual(machine, netns.FindSysctl("net/ipv4/conf/all/route_localnet"));
        Assert.Equal(machine, File.ReadAllText("/proc/sys/net/ipv4/conf/all/route_localnet").Trim());
        Assert.Null(netns.FindSysctl("net/ipv4/conf/nothing/route_localnet"));
    }

    [Fact]
    public void What_an_action_throws_arrives()
    {
        using Netns netns = Netns.Create("throws");

        Assert.Equal("inside", Assert.Throws<InvalidOperationException>(() => netns.Run(() => throw new InvalidOperationException("inside"))).Message);
    }

    [Fact]
    public void A_host_has_directories_and_devices_of_its_own()
    {
        using TestHost host = TestHost.Create(TestHost.ReferenceBinaries);

        host.Netns.Exec("/bin/sh", "-c", "mkdir -p /run/cni-plugins && echo hello > /run/cni-plugins/record");

        Assert.Equal("hello\n", File.ReadAllText(Path.Combine(host.StateDirectory, "record")));
        // Directories alone: where there is bonding, a file lies among them.
        Assert.Equal("lo/ uplink/\n", host.Netns.Exec("/bin/sh", "-c", "cd /sys/class/net && echo */").Output);
        Assert.False(File.Exists("/run/cni-plugins/record"));
        Assert.Equal("hello", host.Netns.Run(() => File.ReadAllText("/run/cni-plugins/record")).Trim());
    }

    [Fact]
    public void The_neighbour_reaches_the_host_by_both_families_and_not_a_container()
    {
        using TestHost host = TestHost.Create(TestHost.ReferenceBinaries);
        using TcpEcho tcp4 = new(host.Netns, 8080);
        using TcpEcho tcp6 = new(host.Netns, 8080, "::");
        using UdpEcho udp = new(host.Netns, 8080);

        Assert.Equal($"answered by host (saw {TestHost.LanAddress4})", Reach.Tcp(host.Lan, TestHost.Address4, 8080).ToString());
        Assert.Equal($"answered by host (saw {TestHost.LanAddress6})", Reach.Tcp(host.Lan, TestHost.Address6, 8080).ToString());
        Assert.Equal($"answered by host (saw {TestHost.LanAddress4})", Reach.Udp(host.Lan, TestHost.Address4, 8080).ToString());
        Assert.Equal(ReachOutcome.Refused, Reach.Tcp(host.Lan, TestHost.Address4, 8081).Outcome);
        Assert.Equal(ReachOutcome.Refused, Reach.Udp(host.Lan, TestHost.Address4, 8081).Outcome);
        Assert.True(host.Lan.Ping(TestHost.Address4));
        host.Netns.NftScript("table inet t { chain c { type filter hook input priority 0; tcp dport 8080 drop; }; }");
        Assert.Equal(ReachOutcome.TimedOut, Reach.Tcp(host.Lan, TestHost.Address4, 8080).Outcome);
    }

    [Fact]
    public void Sctp_is_answered_where_the_kernel_has_it()
    {
        Kernel.RequireSctp();
        using TestHost host = TestHost.Create(TestHost.ReferenceBinaries);
        using SctpEcho sctp = new(host.Netns, 8080);

        Assert.Equal($"answered by host (saw {TestHost.LanAddress4})", Reach.Sctp(host.Lan, TestHost.Address4, 8080).ToString());
    }

    [Fact]
    public void Two_snapshots_of_a_quiet_world_are_equal()
    {
        using TestHost host = TestHost.Create(TestHost.ReferenceBinaries);
        World before = World.Of(host);

        Assert.True(host.Lan.Ping(TestHost.Address4));
        World.Of(host).AssertEqual(before);
    }

    [Theory]
    [InlineData("ip link add leak type bridge", "leak")]
    [InlineData("ip address add 198.51.100.1/32 dev uplink", "198.51.100.1")]
    [InlineData("ip route add 198.51.100.0/24 via 192.0.2.2", "198.51.100.0/24")]
    [InlineData("ip -6 route add 2001:db8:2::/64 dev uplink table 99", "2001:db8:2::/64")]
    [InlineData("ip rule add from 198.51.100.0/24 table 99", "198.51.100.0")]
    [InlineData("ip neigh add 192.0.2.77 lladdr 02:00:00:00:00:77 dev uplink", "192.0.2.77")]
    [InlineData("nft add table inet leak", "leak")]
    [InlineData("nft add element inet known ports { 80 }", "element inet known ports")]
    [InlineData("nft add rule inet known c tcp dport 80 accept", "rule #2")]
    [InlineData("echo 1 > /proc/sys/net/ipv4/ip_forward", "ip_forward")]
    [InlineData("echo 1 > /proc/sys/net/ipv4/conf/uplink/route_localnet", "uplink/route_localnet")]
    [InlineData("mkdir -p /var/lib/cni/networks/leak && echo id > /var/lib/cni/networks/leak/10.0.0.2", "networks/leak/10.0.0.2: id")]
    public void A_leak_is_seen(string command, string shown)
    {
        using TestHost host = TestHost.Create(TestHost.ReferenceBinaries);
        host.Netns.NftScript(
            "table inet known { set ports { type inet_service; elements = { 22 } }; chain c { tcp dport @ports counter accept; }; }");
        World before = World.Of(host);

        host.Netns.Exec("/bin/sh", "-c", command);

        Assert.Contains(shown, World.Of(host).Difference(before), StringComparison.Ordinal);
        Assert.Contains("+ ", Assert.ThrowsAny<Exception>(() => World.Of(host).AssertEqual(before)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bridge_netfilter_is_switched_in_this_host_only()
    {
        using TestHost host = TestHost.Create(TestHost.ReferenceBinaries);
        using TestHost other = TestHost.Create(TestHost.ReferenceBinaries);
        host.SetBridgeNetfilter(true);
        other.SetBridgeNetfilter(false);

        Assert.Equal("1", host.Netns.FindSysctl("net/bridge/bridge-nf-call-iptables"));
        Assert.NotEqual("1", other.Netns.FindSysctl("net/bridge/bridge-nf-call-iptables"));
    }

    [Fact]
    public void A_killed_run_leaves_nothing()
    {
        string marker = Path.Combine(TestDirectory.Create("marker"), "ready");
        ProcessStartInfo start = new(Environment.ProcessPath!, ["-explicit", "only", "-method", $"*.{nameof(Holds_a_host_until_killed)}"]);
        start.Environment["HARNESS_MARKER"] = marker;
        start.RedirectStandardOutput = true;
        using Process run = Process.Start(start)!;
        SpinWait.SpinUntil(() => File.Exists(marker) || run.HasExited, TimeSpan.FromSeconds(30));
        string[] held = File.ReadAllLines(marker);   // its directory, and its namespace's inode

        run.Kill();
        run.WaitForExit();

        Assert.True(Directory.Exists(held[0]));
        Assert.Contains(TestDirectory.Sweep(), swept => held[0].StartsWith(swept, StringComparison.Ordinal));
        Assert.False(Directory.Exists(held[0]));
        Assert.DoesNotContain(held[1], NamespacesInUse());
        Assert.DoesNotContain(held[0], File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    /// <summary>The other side of <see cref="A_killed_run_leaves_nothing"/>, in a process of its own.</summary>
    [Fact(Explicit = true)]
    public void Holds_a_host_until_killed()
    {
        string marker = Environment.GetEnvironmentVariable("HARNESS_MARKER") ?? throw new InvalidOperationException("HARNESS_MARKER is not set");
        using TestHost host = TestHost.Create(TestHost.ReferenceBinaries);
        using TcpEcho server = new(host.Netns, 8080);
        File.WriteAllLines(marker + ".new", [host.Root, host.Netns.Exec("readlink", "/proc/self/ns/net").Output.Trim()]);
        File.Move(marker + ".new", marker);
        TestContext.Current.CancellationToken.WaitHandle.WaitOne(TimeSpan.FromMinutes(1));
    }

    [Fact, RequiresKind("veth")]
    public void Kinds_are_told_apart_by_the_kernels_answer()
    {
        Assert.Null(Kernel.ProbeKind("veth"));
        Assert.Null(Kernel.ProbeKind("bridge"));
        Assert.Contains("Unknown device type", Kernel.ProbeKind("no-such-kind"), StringComparison.Ordinal);
    }

    /// <summary>The namespaces that a thread of any process is in, as "net:[4026531840]".</summary>
    private static HashSet<string> NamespacesInUse()
    {
        HashSet<string> found = [];
        foreach (string process in Directory.GetDirectories("/proc").Where(static d => char.IsAsciiDigit(Path.GetFileName(d)[0])))
        {
            try
            {
                foreach (string thread in Directory.GetDirectories(Path.Combine(process, "task")))
                {
                    found.Add(new FileInfo(Path.Combine(thread, "ns/net")).LinkTarget ?? "");
                }
            }
            catch (IOException)
            {
                // It ended while we looked.
            }
        }

        return found;
    }
}
