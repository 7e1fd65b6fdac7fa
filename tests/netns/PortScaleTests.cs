using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Thousands of ports in one ADD: all of them or none, in as many requests to the kernel as for one. Shapes of moby#53466.</summary>
public sealed class PortScaleTests : IDisposable
{
    private const int First = 20000;

    private static readonly string s_network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _second;

    public PortScaleTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
        _second = _host.Container("second");
    }

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData(206)]
    [InlineData(1000)]
    [InlineData(2500)]
    public void One_add_publishes_them_all_in_both_families(int count)
    {
        _container.Netns.NftScript(
            "table inet every { chain c { type nat hook prerouting priority -100; tcp dport 20000-30000 redirect to :80; }; }");
        World before = BridgeNet.World(_host);
        _container.Add("bridge", s_network, Range(count));
        using TcpEcho server4 = new(_container.Netns, 80);
        using TcpEcho server6 = new(_container.Netns, 80, "::");

        foreach (int port in new[] { First, First + (count / 2), First + count - 1 })
        {
            Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, port).Server);
            Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address6, port).Server);
        }

        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host.Lan, TestHost.Address4, First + count).Outcome);
        Assert.Equal(count, Elements("published_any4"));
        Assert.Equal(count, Elements("published_any6"));
        _container.Check("bridge", s_network, Range(count));

        _host.Netns.NftScript($"delete element inet cni_plugins published_any6 {{ tcp . {First + 7} }}");
        Assert.Contains("1 of", _container.TryCheck("bridge", s_network, Range(count)).RequireError(100).Message, StringComparison.Ordinal);

        _container.Delete("bridge", s_network, Range(count));
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData(TestHost.Address4)]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    public void One_that_is_taken_fails_them_all_and_its_owner_is_named(string taken)
    {
        _second.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(First + 777, 80, hostIp: taken)));
        World before = BridgeNet.World(_host);

        CniCall add = _container.TryAdd("bridge", s_network, Range(1000)).RequireError(11);

        Assert.Contains($"{First + 777}/tcp is published already by net1/{_second.Id}/eth0", add.Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
        _second.Delete("bridge", s_network);
        _container.Add("bridge", s_network, Range(1000));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::")]
    public void One_that_a_process_has_fails_them_all(string address)
    {
        using TcpEcho process = new(_host.Netns, First + 500, address);
        World before = BridgeNet.World(_host);

        CniCall add = _container.TryAdd("bridge", s_network, Range(1000)).RequireError(11);

        Assert.Contains($"{First + 500}/tcp is in use by", add.Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>An ADD that was killed after its transaction, and lost its record: everything is there already, and is ours.</summary>
    [Fact]
    public void What_a_crash_left_is_taken_over()
    {
        _second.Add("bridge", s_network);   // which keeps the table
        _container.Add("bridge", s_network, Range(1000));
        File.WriteAllText(Path.Combine(_host.StateDirectory, $"attachments/net1/{_container.Id}:eth0.json"), "{");
        _container.Netns.Ip("link delete eth0");

        _container.Add("bridge", s_network, Range(1000));

        Assert.Equal(1000, Elements("published_any4"));
        _container.Delete("bridge", s_network);
        Assert.Equal(0, Elements("published_any4"));
    }

    /// <summary>Messages, not time: what the plugin sends does not grow with what others have published, and little with what it publishes.</summary>
    [Fact]
    public void The_number_of_requests_does_not_grow_with_the_ports_of_others()
    {
        int alone = CountSends(_second);
        _container.Add("bridge", s_network, Range(2500));

        Assert.InRange(CountSends(_host.Container("third")), 0, alone);
    }

    private int CountSends(Container container)
    {
        string trace = Path.Combine(_host.Root, container.Name + ".strace");
        string wrapper = Path.Combine(_host.Root, container.Name + "-bin");
        Directory.CreateDirectory(wrapper);
        foreach (string type in new[] { "bridge", "host-local" })
        {
            string script = Path.Combine(wrapper, type);
            File.WriteAllText(script, $"#!/bin/sh\nexec strace -f -qq -A -e trace=sendto -o {trace} {_host.Binaries}/{type}\n");
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        CniOptions options = BridgeNet.Ports(BridgeNet.Port(9000, 80, hostIp: TestHost.Address4)) with { Binaries = wrapper };
        container.Add("bridge", s_network, options);
        container.Delete("bridge", s_network, options);
        return File.ReadAllLines(trace).Length;
    }

    private int Elements(string map)
    {
        string text = _host.Netns.Exec("/usr/sbin/nft", "-j", "list", "map", "inet", "cni_plugins", map).Output;
        return text.Split("\"comment\"").Length - 1;
    }

    private static CniOptions Range(int count) => BridgeNet.Ports([.. new[] { "0.0.0.0", "::" }.SelectMany(address => Enumerable.Range(First, count)
        .Select(port => BridgeNet.Port(port, port, hostIp: address)))]);
}
