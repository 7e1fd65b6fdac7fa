using System.Text.Json;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>tuning behind ptp, judged by ip and /proc/sys.</summary>
public sealed class TuningTests : IDisposable
{
    private const string Mac = "c2:11:22:33:44:66";
    private const string Everything = $$"""{"mac":"{{Mac}}","promisc":true,"mtu":1454,"allmulti":true,"txQLen":20000,"sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"1"} }""";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public TuningTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
    }

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void TU_01_nothing_to_set_passes_the_result_through(string version)
    {
        CniCall first = _container.Add("ptp", Ptp(version));
        World before = BridgeNet.World(_host);

        CniCall add = _container.Add("tuning", Tuning("{}", version), After(first));

        Assert.Equal(first.Tool.Output.Trim(), add.Tool.Output.Trim());
        BridgeNet.World(_host).AssertEqual(before);
        _container.Delete("tuning", Tuning("{}", version));
    }

    [Fact]
    public void Without_a_result_before_it_there_is_nothing_to_tune() =>
        Assert.Contains("prevResult", _container.TryAdd("tuning", Tuning("{}")).RequireError(7).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("TU_02", """{"promisc":true}""")]
    [InlineData("TU_03", """{"promisc":false,"args":{"cni":{"promisc":true}}}""")]
    [InlineData("TU_04", """{"mtu":1454}""")]
    [InlineData("TU_05", """{"mtu":9000,"args":{"cni":{"mtu":1454}}}""")]
    [InlineData("TU_06", """{"txQLen":20000}""")]
    [InlineData("TU_07", """{"txQLen":1,"args":{"cni":{"txQLen":20000}}}""")]
    [InlineData("TU_08", """{"mac":"c2:11:22:33:44:66"}""")]
    [InlineData("TU_09", """{"mac":"c2:11:22:33:44:77","args":{"cni":{"mac":"C2:11:22:33:44:66"}}}""")]
    [InlineData("TU_13", """{"allmulti":true}""")]
    [InlineData("TU_14", """{"allmulti":false,"args":{"cni":{"allmulti":true}}}""")]
    [InlineData("TU_12", Everything)]
    public void TU_02_to_14_set_checked_and_put_back(string id, string keys)
    {
        CniCall first = _container.Add("ptp", Ptp());
        string before = Shown();
        World world = BridgeNet.World(_host);

        CniCall add = _container.Add("tuning", Tuning(keys), After(first));

        Assert.NotEqual(before, Shown());
        AssertSet(id, keys);
        _container.Check("tuning", Tuning(keys));
        JsonElement shown = Link();
        JsonElement result = add.Result.GetProperty("interfaces").EnumerateArray().Single(static each => each.Text("name") == "eth0");
        Assert.Equal(shown.Text("address"), result.Text("mac"));
        _container.Delete("tuning", Tuning(keys));
        _container.Delete("tuning", Tuning(keys));
        Assert.Equal(before, Shown());
        BridgeNet.World(_host).AssertEqual(world);
    }

    [Fact]
    public void TU_10_the_address_of_CNI_ARGS_beats_the_configurations()
    {
        CniCall first = _container.Add("ptp", Ptp());

        _container.Add("tuning", Tuning("""{"mac":"c2:11:22:33:44:77"}"""), After(first) with { Arguments = $"IgnoreUnknown=true;MAC={Mac}" });

        Assert.Equal(Mac, Link().Text("address"));
    }

    /// <summary>The order is the reference's, and another than bridge's.</summary>
    [Theory]
    [InlineData("{}", Mac)]
    [InlineData("""{"args":{"cni":{"mac":"c2:11:22:33:44:88"}}}""", "c2:11:22:33:44:88")]
    public void TU_11_the_runtimes_address_beats_CNI_ARGS_and_args_beat_it(string keys, string expected)
    {
        CniCall first = _container.Add("ptp", Ptp());
        CniOptions options = After(first) with { Arguments = "IgnoreUnknown=true;MAC=c2:11:22:33:44:99", RuntimeConfig = $$"""{"mac":"{{Mac}}"}""" };

        _container.Add("tuning", BridgeNet.With(Tuning("""{"mac":"c2:11:22:33:44:77"}"""), keys), options);

        Assert.Equal(expected, Link().Text("address"));
    }

    [Fact]
    public void TU_12_the_references_note_is_written_where_dataDir_says_and_goes()
    {
        string directory = Path.Combine(_host.Root, "run/tuning-notes");
        string keys = BridgeNet.With(Everything, """{"dataDir":"/run/tuning-notes"}""");
        CniCall first = _container.Add("ptp", Ptp());
        string mac = Link().Text("address")!;

        _container.Add("tuning", Tuning(keys), After(first));

        JsonElement note = Json.Parse(File.ReadAllText(Path.Combine(directory, $"{_container.Id}_eth0.json")));
        Assert.Equal((mac, "1500", "False", "False", "1000"), (note.Text("mac"), note.Text("mtu"), note.Text("promisc"), note.Text("allmulti"), note.Text("txQLen")));
        _container.Delete("tuning", Tuning("{}"));
        Assert.Empty(Directory.EnumerateFiles(directory));
        Assert.Equal(mac, Link().Text("address"));
    }

    /// <summary>The reference leaves parameters as they are.</summary>
    [Theory]
    [InlineData("net.ipv4.conf.IFNAME.arp_filter")]
    [InlineData("net/ipv4/conf/IFNAME/arp_filter")]
    [InlineData("net.ipv4.conf.eth0.arp_filter")]
    public void TU_15_a_parameter_is_set_and_put_back(string key)
    {
        string keys = $$"""{"sysctl":{"{{key}}":"1"} }""";
        CniCall first = _container.Add("ptp", Ptp());

        _container.Add("tuning", Tuning(keys), After(first));

        Assert.Equal("1", _container.Netns.FindSysctl("net/ipv4/conf/eth0/arp_filter"));
        _container.Check("tuning", Tuning(keys));
        _container.Delete("tuning", Tuning(keys));
        Assert.Equal("0", _container.Netns.FindSysctl("net/ipv4/conf/eth0/arp_filter"));
    }

    [Fact]
    public void TU_15_an_interface_with_a_dot_in_its_name()
    {
        const string Keys = """{"sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"1"}}""";
        CniOptions options = new() { InterfaceName = "eth0.100" };
        CniCall first = _container.Add("ptp", Ptp(), options);

        _container.Add("tuning", Tuning(Keys), After(first) with { InterfaceName = "eth0.100" });

        Assert.Equal("1", _container.Netns.FindSysctl("net/ipv4/conf/eth0.100/arp_filter"));
        _container.Check("tuning", Tuning(Keys), options);   // the reference looks for eth0/100 there
    }

    /// <summary>W27: the reference ends in a panic, without an error object, when only args.cni has parameters.</summary>
    [Fact]
    public void W27_parameters_of_args_alone()
    {
        CniCall first = _container.Add("ptp", Ptp());

        _container.Add("tuning", Tuning("""{"args":{"cni":{"sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"1"}}}}"""), After(first));

        Assert.Equal("1", _container.Netns.FindSysctl("net/ipv4/conf/eth0/arp_filter"));
    }

    [Fact]
    public void Parameters_of_args_come_on_top_and_numbers_may_be_apart_by_tabs()
    {
        const string Keys = """
            {"sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"0","net.ipv4.ip_local_port_range":"20000 30000"},
             "args":{"cni":{"sysctl":{"net/ipv4/conf/IFNAME/arp_filter":"1"}}}}
            """;
        CniCall first = _container.Add("ptp", Ptp());

        _container.Add("tuning", Tuning(Keys), After(first));

        Assert.Equal("1", _container.Netns.FindSysctl("net/ipv4/conf/eth0/arp_filter"));
        Assert.Equal("20000\t30000", _container.Netns.FindSysctl("net/ipv4/ip_local_port_range"));
        _container.Check("tuning", Tuning(Keys));
    }

    [Theory]
    [InlineData("^net.ipv4.conf.IFNAME.[a-z_]*$\n", true)]
    [InlineData("  \n^nothing$\n\tarp_filter  \n", true)]
    [InlineData("^net/ipv4/conf/.*$\n", false)]
    [InlineData("", false)]
    public void TU_16_the_allow_list(string list, bool isAllowed)
    {
        SetAllowlist(list);
        const string Keys = """{"mtu":1400,"sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"1"}}""";
        CniCall first = _container.Add("ptp", Ptp());
        World before = BridgeNet.World(_host);

        CniCall add = _container.TryAdd("tuning", Tuning(Keys), After(first));

        Assert.Equal(isAllowed ? "1" : "0", _container.Netns.FindSysctl("net/ipv4/conf/eth0/arp_filter"));
        if (!isAllowed)
        {
            Assert.Contains("net.ipv4.conf.IFNAME.arp_filter", add.RequireError(7).Message, StringComparison.Ordinal);
            BridgeNet.World(_host).AssertEqual(before);
        }
    }

    [Fact]
    public void TU_16_a_line_that_is_not_understood_allows_nothing_and_is_named()
    {
        SetAllowlist("arp_filter\n(?i)net\n");
        CniCall first = _container.Add("ptp", Ptp());

        CniCall add = _container.TryAdd("tuning", Tuning("""{"sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"1"}}"""), After(first));

        Assert.Contains("line 2", add.RequireError(7).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"sysctl":{"net.ipv4.ip_forward":"1","net.ipv4.ip_forward":"0"}}""", 7)]
    [InlineData("""{"sysctl":{"net.ipv4.ip_forward":"1","net/ipv4/ip_forward":"0"}}""", 7)]
    [InlineData("""{"sysctl":{"kernel.hostname":"x"}}""", 7)]
    [InlineData("""{"sysctl":{"net/../kernel/hostname":"x"}}""", 7)]
    [InlineData("""{"sysctl":{"net.ipv4.//.conf":"x"}}""", 7)]
    [InlineData("""{"sysctl":{"/proc/sys/net/ipv4/ip_forward":"x"}}""", 7)]
    [InlineData("""{"sysctl":{"net.ipv4.no_such_thing":"1"}}""", 7)]
    [InlineData("""{"mtu":1400,"sysctl":{"net.ipv4.ip_forward":"x"}}""", 7)]
    [InlineData("""{"sysctl":{"net.ipv4.ip_forward":1}}""", 6)]
    [InlineData("""{"sysctl":["net.ipv4.ip_forward"]}""", 6)]
    [InlineData("""{"mac":"c2:11:22:33:44"}""", 7)]
    [InlineData("""{"mac":"c3:11:22:33:44:66"}""", 7)]
    [InlineData("""{"mtu":67}""", 7)]
    [InlineData("""{"txQLen":-1}""", 7)]
    [InlineData("""{"promisc":"true"}""", 6)]
    [InlineData("""{"mtu":1400,"dataDir":"relative"}""", 7)]
    public void TU_17_wrong_keys_change_nothing(string keys, int code)
    {
        CniCall first = _container.Add("ptp", Ptp());
        string before = Shown();
        World world = BridgeNet.World(_host);

        // Put together by hand: a test must be able to say a key twice.
        string text = Tuning("{}");
        _container.TryAdd("tuning", $"{text[..^1]},{keys[1..^1]},\"prevResult\":{first.Tool.Output}}}").RequireError(code);

        Assert.Equal(before, Shown());
        BridgeNet.World(_host).AssertEqual(world);
    }

    [Fact]
    public void TU_18_an_interface_name_with_a_slash() =>
        _container.TryAdd("tuning", Tuning("""{"mtu":1400}"""), new CniOptions { InterfaceName = "eth/0" }).RequireError(4);

    /// <summary>The second of two fails: the first is as it was.</summary>
    [Fact]
    public void A_failed_ADD_puts_back_what_it_set()
    {
        CniCall first = _container.Add("ptp", Ptp());
        string before = Shown();

        _container.TryAdd("tuning", Tuning("""{"promisc":true,"sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"1","net.ipv4.no_such_thing":"1"}}"""), After(first)).RequireError(7);

        Assert.Equal(before, Shown());
        Assert.Equal("0", _container.Netns.FindSysctl("net/ipv4/conf/eth0/arp_filter"));
    }

    /// <summary>The reference fails where promiscuous mode is on for a reason of others.</summary>
    [Fact]
    public void CHECK_compares_only_what_is_configured()
    {
        const string Keys = """{"mtu":1454}""";
        CniCall first = _container.Add("ptp", Ptp());
        _container.Add("tuning", Tuning(Keys), After(first));

        _container.Netns.Ip("link set eth0 promisc on");

        _container.Check("tuning", Tuning(Keys));
    }

    [Theory]
    [InlineData("mtu 1400")]
    [InlineData("address c2:00:00:00:00:01")]
    [InlineData("promisc off")]
    [InlineData("allmulticast off")]
    [InlineData("txqueuelen 5")]
    public void CHECK_sees_what_differs(string change)
    {
        CniCall first = _container.Add("ptp", Ptp());
        _container.Add("tuning", Tuning(Everything), After(first));
        _container.Check("tuning", Tuning(Everything));

        _container.Netns.Ip($"link set eth0 {change}");

        _container.TryCheck("tuning", Tuning(Everything)).RequireError(100);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/run/netns/gone")]
    public void DEL_without_a_namespace_is_success(string path)
    {
        CniCall first = _container.Add("ptp", Ptp());
        _container.Add("tuning", Tuning(Everything), After(first));
        CniOptions gone = path.Length > 0 ? new() { NetnsPath = path } : new() { Environment = new Dictionary<string, string> { ["CNI_NETNS"] = "" } };

        _container.Delete("tuning", Tuning(Everything), gone with { OmitPreviousResult = true });

        Assert.DoesNotContain(BridgeNet.World(_host).Lines, static line => line.Contains("_eth0.json", StringComparison.Ordinal) || line.Contains(":tuning", StringComparison.Ordinal));
    }

    [Fact]
    public void Switch_over_the_references_note_is_read_and_ours_by_the_reference()
    {
        Reference.Require();
        const string Keys = $$"""{"mac":"{{Mac}}","promisc":true,"mtu":1454}""";
        CniCall first = _container.Add("ptp", Ptp("1.0.0"));
        string before = Shown();

        _container.Add("tuning", Tuning(Keys), After(first) with { Binaries = TestHost.ReferenceBinaries });
        Assert.Equal(Mac, Link().Text("address"));
        _container.Check("tuning", Tuning(Keys));
        _container.Delete("tuning", Tuning(Keys));
        Assert.Equal(before, Shown());

        _container.Add("tuning", Tuning(Keys), After(first));
        Assert.Equal(Mac, Link().Text("address"));
        _container.Delete("tuning", Tuning(Keys), Reference.Options);
        Assert.Equal(before, Shown());
    }

    private void SetAllowlist(string text)
    {
        string path = Path.Combine(_host.Root, "allowlist.conf");
        File.WriteAllText(path, text);
        _host.SetConfiguration($$"""{"tuningAllowlist":"{{path}}"}""");
    }

    private void AssertSet(string id, string keys)
    {
        JsonElement link = Link();
        string[] flags = [.. link.GetProperty("flags").EnumerateArray().Select(static flag => flag.GetString()!)];
        Assert.True(!keys.Contains("promisc", StringComparison.Ordinal) || flags.Contains("PROMISC"), id);
        Assert.True(!keys.Contains("allmulti", StringComparison.Ordinal) || flags.Contains("ALLMULTI"), id);
        Assert.True(!keys.Contains("mtu", StringComparison.Ordinal) || link.Text("mtu") == "1454", id);
        Assert.True(!keys.Contains("txQLen", StringComparison.Ordinal) || link.Text("txqlen") == "20000", id);
        Assert.True(!keys.Contains("mac", StringComparison.Ordinal) || link.Text("address") == Mac, id);
    }

    private JsonElement Link() => _container.Netns.Ip("-j link show eth0")[0];

    private string Shown()
    {
        JsonElement link = Link();
        string flags = string.Join(' ', link.GetProperty("flags").EnumerateArray().Select(static flag => flag.GetString()).Where(static flag => flag is "PROMISC" or "ALLMULTI"));
        return $"{link.Text("address")} {link.Text("mtu")} {link.Text("txqlen")} {flags}";
    }

    private static CniOptions After(CniCall add) => new() { PreviousResult = add.Tool.Output };

    private static string Ptp(string version = "1.1.0") =>
        $$"""{"cniVersion":"{{version}}","name":"net1","type":"ptp","ipam":{"type":"host-local","subnet":"10.1.0.0/24"} }""";

    private static string Tuning(string keys, string version = "1.0.0") =>
        BridgeNet.With($$"""{"cniVersion":"{{version}}","name":"net1","type":"tuning"}""", keys);
}
