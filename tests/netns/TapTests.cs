using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>An interface whose other end is a program.</summary>
[RequiresKind("tun")]
public sealed class TapTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public TapTests() => _container = _host.Container("vm");

    public static TheoryData<string> VersionNames => PtpTests.VersionNames;

    public void Dispose() => _host.Dispose();

    /// <summary>TA-01; W35: without owner and group the reference executes ip, and with them it loses the address.</summary>
    [Theory, MemberData(nameof(VersionNames))]
    public void TA_01_the_whole_life(string version)
    {
        World before = BridgeNet.World(_host);
        string network = SubNet.Of("tap", """{"mac":"02:00:00:00:00:07","mtu":1400,"owner":1001,"group":1002,"multiQueue":true}""", version);

        CniCall add = _container.Add("tap", network);

        Assert.Equal(BridgeNet.Addresses(add), BridgeNet.AddressesOf(_container.Netns, "eth0"));
        Assert.Equal("02:00:00:00:00:07", BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("address"));
        Assert.Equal("1400", BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("mtu"));
        foreach ((string key, string value) in new[] { ("type", "tap"), ("user", "1001"), ("group", "1002"), ("multi_queue", "true"), ("vnet_hdr", "true"), ("persist", "true") })
        {
            Assert.Equal(value, SubNet.Data(_container.Netns, "eth0", key), ignoreCase: true);
        }

        if (string.CompareOrdinal(version, "0.4.0") >= 0)
        {
            _container.Check("tap", network);
        }

        _container.Delete("tap", network, new CniOptions { NetnsPath = "", OmitPreviousResult = true });
        _container.Delete("tap", network);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void TA_02_as_a_port_of_a_bridge_in_the_container()
    {
        _container.Netns.Ip("link add br0 type bridge");
        string network = BridgeNet.With(SubNet.Of("tap", """{"bridge":"br0"}"""), """{"ipam":{}}""");

        _container.Add("tap", network);

        Assert.Equal("br0", BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("master"));
        _container.Check("tap", network);
        _container.Netns.Ip("link set eth0 nomaster");
        _container.TryCheck("tap", network).RequireError(100);
    }

    /// <summary>W35: the reference takes the interface that is there for its own.</summary>
    [Fact]
    public void W35_a_name_that_is_taken_is_refused_and_what_has_it_stays()
    {
        _container.Netns.Ip("link add eth0 type veth peer name other");

        _container.TryAdd("tap", SubNet.Of("tap")).RequireError(4);

        Assert.NotNull(BridgeNet.FindLink(_container.Netns, "eth0"));
    }

    [Theory]
    [InlineData("""{"bridge":"nowhere"}""")]
    [InlineData("""{"selinuxContext":"system_u:system_r:nothing_t:s0"}""")]
    [InlineData("""{"mtu":10}""")]
    public void What_cannot_be_is_refused_and_nothing_is_left(string extra)
    {
        Assert.SkipWhen(extra.Contains("selinux", StringComparison.Ordinal) && Directory.Exists("/sys/fs/selinux/policy_capabilities"), "SELinux is on");
        World before = BridgeNet.World(_host);

        _container.TryAdd("tap", SubNet.Of("tap", extra)).RequireError(7);

        BridgeNet.World(_host).AssertEqual(before);
    }
}
