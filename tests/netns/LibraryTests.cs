using System.Text.Json;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>What the reference proves of its libraries, proved of ours: by the executables where a runtime sees it, else in process.</summary>
public sealed class LibraryTests : IDisposable
{
    private const string Pool = """{"cniVersion":"1.1.0","name":"net1","type":"bridge","bridge":"br1","isGateway":true,"ipam":{"type":"host-local","subnet":"10.1.0.0/24"}}""";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public LibraryTests() => _container = _host.Container("c1");

    public void Dispose() => _host.Dispose();

    [Fact]
    public void CF_01_addresses_routes_multipath_and_IPv6_after_link_down()
    {
        _container.Add("bridge", """
            {"cniVersion":"1.1.0","name":"net1","type":"bridge","bridge":"br1","ipam":{"type":"static",
             "addresses":[{"address":"10.1.0.2/24","gateway":"10.1.0.1"},{"address":"10.2.0.2/24"},{"address":"fd00:1::2/64","gateway":"fd00:1::1"}],
             "routes":[{"dst":"10.9.0.0/16"},{"dst":"10.8.0.0/16","gw":"10.2.0.1"},
                       {"dst":"fd00:9::/64","gw":"fd00:1::1"},{"dst":"fd00:9::/64","gw":"fd00:1::3"}]}}
            """);

        Assert.Equal("10.1.0.1", Route("-4", "10.9.0.0/16").Text("gateway"));   // the first gateway of its family
        Assert.Equal("10.2.0.1", Route("-4", "10.8.0.0/16").Text("gateway"));
        Assert.Equal(2, Route("-6", "fd00:9::/64").GetProperty("nexthops").GetArrayLength());

        _container.Netns.Ip("link set eth0 down");
        _container.Netns.Ip("link set eth0 up");
        Assert.Contains("fd00:1::2", _container.Netns.Ip("-j -6 address show dev eth0").GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public void CF_02_the_pair_knows_its_ends_and_a_taken_name_is_named()
    {
        _container.Add("bridge", Pool, new CniOptions { Arguments = "MAC=02:00:00:00:00:05" });

        JsonElement inside = _container.Netns.Ip("-j -d link show eth0")[0];
        JsonElement port = _host.Netns.Ip("-j -d link show master br1")[0];
        Assert.Equal(inside.GetProperty("link_index").GetInt32(), port.GetProperty("ifindex").GetInt32());
        Assert.Equal(port.GetProperty("link_index").GetInt32(), inside.GetProperty("ifindex").GetInt32());
        Assert.Equal("02:00:00:00:00:05", inside.Text("address"));

        Container taken = _host.Container("c2");
        taken.Netns.Ip("link add eth0 type veth peer name other");
        World before = World.Of(_host).Except("/.index/");
        Assert.Contains("eth0", taken.TryAdd("bridge", Pool).RequireError(4).Message, StringComparison.Ordinal);
        World.Of(_host).Except("/.index/").AssertEqual(before);
    }

    [Fact]
    public void CF_04_a_container_that_takes_another_address_is_cut_off()
    {
        string configuration = Pool.Replace("\"isGateway\"", "\"macspoofchk\":true,\"isGateway\"", StringComparison.Ordinal);
        _container.Add("bridge", configuration);
        Assert.True(_container.Netns.Ping("10.1.0.1"));

        _container.Netns.Ip("link set eth0 address 02:00:00:00:00:99");

        Assert.False(_container.Netns.Ping("10.1.0.1"));
        _container.Delete("bridge", configuration);
        Assert.DoesNotContain("cni_plugins", _host.Netns.Exec("/usr/sbin/nft", "list", "ruleset").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void CF_05_a_namespace_is_entered_and_left_and_nothing_else_is_taken_for_one()
    {
        using NetworkNamespace target = NetworkNamespace.Open(_container.Netns.Path);
        string file = Path.GetTempFileName();
        try
        {
            Assert.Null(NetworkNamespace.Find(file));
            Assert.Null(NetworkNamespace.Find("/run/netns/there-is-none"));
            Assert.Equal(Errno.EINVAL, Assert.Throws<LinuxException>(() => NetworkNamespace.Open(file)).Errno);
        }
        finally
        {
            File.Delete(file);
        }

        Thread[] threads = [.. Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                Assert.False(target.IsCurrent);
                Assert.True(target.Run(() => target.IsCurrent));
            }
        }))];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        Assert.False(target.IsCurrent);
        target.Dispose();
        target.Dispose();
    }

    [Fact]
    public void CF_06_a_parameter_of_an_interface_with_dots()
    {
        _host.Netns.Ip("link add a.b.c type veth peer name peer");
        Assert.Equal(("0", "1"), _host.Netns.Run(static () =>
        {
            string before = Sysctl.Get("net/ipv4/conf/a.b.c/arp_notify");
            Sysctl.Set("net/ipv4/conf/a.b.c/arp_notify", "1");
            return (before, Sysctl.Get("net/ipv4/conf/a.b.c/arp_notify"));
        }));
        Assert.Null(_host.Netns.Run(static () => Sysctl.Find("net/ipv4/conf/no.such/arp_notify")));
    }

    [Fact]
    public void CF_07_what_is_set_already_is_not_written() => _host.Netns.Run(static () =>
    {
        Sysctl.Set("net/ipv4/ip_forward", "0");
        Assert.True(Sysctl.Ensure("net/ipv4/ip_forward", "1"));
        Assert.False(Sysctl.Ensure("net/ipv4/ip_forward", "1"));
    });

    [Fact]
    public void CF_08_names_follow_from_the_attachment()
    {
        AttachmentId id = new("net1", "c1", "eth0");
        string name = AttachmentNames.HostInterface(id);

        Assert.Matches("^veth[0-9a-f]{11}$", name);
        Assert.Equal(name, AttachmentNames.HostInterface(new AttachmentId("net1", "c1", "eth0")));
        string[] others =
        [
            AttachmentNames.HostInterface(id with { IfName = "eth1" }), AttachmentNames.HostInterface(id with { ContainerId = "c2" }),
            AttachmentNames.HostInterface(id with { Network = "net2" }), AttachmentNames.HostInterface(new AttachmentId("net1", "c", "1eth0")),
        ];
        Assert.Equal(4, others.Except([name]).Distinct().Count());
        HashSet<string> many = [.. Enumerable.Range(0, 60_000).Select(n => AttachmentNames.HostInterface(id with { ContainerId = $"c{n}" }))];
        Assert.Equal(60_000, many.Count);
    }

    [Fact]
    public void CF_09_no_tool_is_looked_for()
    {
        string configuration = Pool.Replace("\"isGateway\"", "\"ipMasq\":true,\"isGateway\"", StringComparison.Ordinal);
        CniOptions nothing = new() { Environment = new Dictionary<string, string> { ["PATH"] = "/var/empty" } };

        _container.Add("bridge", configuration, nothing);
        _container.Check("bridge", configuration, nothing);
        _container.Delete("bridge", configuration, nothing);
    }

    private JsonElement Route(string family, string destination) =>
        _container.Netns.Ip($"-j {family} route show {destination}").EnumerateArray().First();
}
