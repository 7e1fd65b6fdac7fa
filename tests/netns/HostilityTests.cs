using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>What a container or a configuration does to hold up its own removal, or to get what it was not given.</summary>
public sealed class HostilityTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public HostilityTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void A_shapers_link_that_is_gone_does_not_hold_up_DEL()
    {
        World before = BridgeNet.World(_host);
        string list = List("""{"type":"bandwidth","egressRate":16000000,"egressBurst":1600000}""");
        CniCall add = _container.AddList(list);
        string shaper = add.Result.GetProperty("interfaces").EnumerateArray().Last().Text("name")!;

        _host.Netns.Ip($"link del {shaper}");

        _container.DeleteList(list);
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("address flush dev eth0")]
    [InlineData("link set eth0 down")]
    public void A_container_that_takes_its_address_away_does_not_hold_up_the_DEL_of_sbr(string change)
    {
        World before = BridgeNet.World(_host);
        string list = List("""{"type":"sbr"}""");
        _container.AddList(list);

        _container.Netns.Ip(change);

        _container.DeleteList(list);
        Assert.Null(BridgeNet.FindLink(_container.Netns, "eth0"));
        Func<string, bool> onHost = static line => line.StartsWith("[host]", StringComparison.Ordinal);
        BridgeNet.World(_host).Where(onHost).AssertEqual(before.Where(onHost));
    }

    /// <summary>The path ends at the NUL, and the pattern would see what comes behind it.</summary>
    [Fact]
    public void A_sysctl_with_a_NUL_is_refused()
    {
        CniCall add = _container.Add("bridge", BridgeNet.Of());
        string path = Path.Combine(_host.Root, "allowlist.conf");
        File.WriteAllText(path, "[.]arp_filter$\n");
        _host.SetConfiguration($$"""{"tuningAllowlist":"{{path}}"}""");
        string before = _container.Netns.FindSysctl("net/ipv4/ip_forward")!;
        string other = before == "1" ? "0" : "1";

        _container.TryAdd("tuning", Tuning($$"""{"sysctl":{"net.ipv4.ip_forward\u0000.arp_filter":"{{other}}"} }"""), After(add)).RequireError(7);

        Assert.Equal(before, _container.Netns.FindSysctl("net/ipv4/ip_forward"));
    }

    [Fact]
    public void A_directory_of_tuning_that_is_a_file_does_not_hold_up_DEL()
    {
        CniCall add = _container.Add("bridge", BridgeNet.Of());
        string file = Path.Combine(_host.Root, "file");
        File.WriteAllText(file, "mine");
        string wrong = Tuning($$"""{"mtu":1300,"dataDir":"{{file}}"}""");

        Assert.False(_container.TryAdd("tuning", wrong, After(add)).Succeeded);

        _container.Delete("tuning", wrong, After(add));
        _container.Add("tuning", Tuning("""{"mtu":1300}"""), After(add));
        _container.Delete("tuning", Tuning("""{"mtu":1300}"""), After(add));
        Assert.Equal("mine", File.ReadAllText(file));
    }

    /// <summary>Without a record the alias alone says what was the host's, and the container can write it.</summary>
    [Fact]
    public void A_container_does_not_choose_what_DEL_of_a_host_device_moves_to_the_host()
    {
        _container.Netns.Ip("link add eth0 type veth peer name other");
        _container.Netns.Ip("link set eth0 alias evil0");

        _container.Delete("host-device", SubNet.Of("host-device", """{"device":"lan1"}"""));

        Assert.Null(BridgeNet.FindLink(_host.Netns, "evil0"));
        Assert.NotNull(BridgeNet.FindLink(_container.Netns, "eth0"));
    }

    /// <summary>A template that came out empty is no leave for everybody.</summary>
    [Theory]
    [InlineData("""[""]""")]
    [InlineData("""[" "]""")]
    public void Empty_conditions_are_refused(string conditions)
    {
        CniCall add = _container.Add("bridge", BridgeNet.Of());
        string portmap = $$"""{"cniVersion":"1.1.0","name":"net1","type":"portmap","conditionsV4":{{conditions}} }""";

        CniCall refused = _container.TryAdd("portmap", portmap, BridgeNet.Ports(BridgeNet.Port(8080, 80)) with { PreviousResult = add.Tool.Output });

        Assert.Contains("conditionsV4", refused.RequireError(7).Message, StringComparison.Ordinal);
    }

    private static CniOptions After(CniCall add) => new() { PreviousResult = add.Tool.Output };

    private static string Tuning(string keys) => BridgeNet.With("""{"cniVersion":"1.0.0","name":"net1","type":"tuning"}""", keys);

    private static string List(string plugin) => $$"""{"cniVersion":"1.1.0","name":"net1","plugins":[{{BridgeNet.Of()}},{{plugin}}]}""";
}
