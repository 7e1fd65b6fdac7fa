using System.Globalization;
using System.Text.Json;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>bandwidth behind ptp or bridge, judged by tc.</summary>
[RequiresKind("ifb")]
public sealed class BandwidthTests : IDisposable
{
    private const string Both = """{"ingressRate":8000000,"ingressBurst":800000,"egressRate":16000000,"egressBurst":1600000}""";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public BandwidthTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
    }

    public static TheoryData<string> VersionNames => ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(VersionNames))]
    public void BW_01_both_directions_of_a_pair(string version)
    {
        World before = BridgeNet.World(_host);

        CniCall add = _container.AddList(List(Both, version: version));

        JsonElement pair = BridgeNet.PeerOf(_host, _container);
        JsonElement[] interfaces = [.. add.Result.GetProperty("interfaces").EnumerateArray()];
        string shaper = interfaces[^1].Text("name")!;
        JsonElement link = BridgeNet.FindLink(_host.Netns, shaper)!.Value;
        Assert.Equal(("ifb", pair.Text("mtu"), link.Text("address")), (link.GetProperty("linkinfo").Text("info_kind"), link.Text("mtu"), interfaces[^1].Text("mac")));
        Assert.InRange(shaper.Length, 1, 15);
        AssertBucket(pair.Text("ifname")!, 1_000_000, 100_000);
        AssertBucket(shaper, 2_000_000, 200_000);
        Assert.Equal(shaper, RedirectOf(pair.Text("ifname")!));
        if (string.CompareOrdinal(version, "0.4.0") >= 0)
        {
            _container.CheckList(List(Both, version: version));
        }

        _container.DeleteList(List(Both, version: version));
        _container.DeleteList(List(Both, version: version));
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("""{"egressRate":16000000,"egressBurst":1600000}""")]
    [InlineData("""{"EgressRate":16000000,"EGRESSBURST":1600000,"ingressRate":0,"ingressBurst":0}""")]
    public void BW_02_ingress_off(string limits)
    {
        CniCall add = _container.AddList(List(limits));

        string pair = PairName();
        Assert.Null(FindBucket(pair));
        Assert.Equal(ShaperOf(add), RedirectOf(pair));
        AssertBucket(ShaperOf(add), 2_000_000, 200_000);
        _container.CheckList(List(limits));
    }

    [Fact]
    public void BW_03_egress_off()
    {
        const string Limits = """{"ingressRate":8000000,"ingressBurst":800000}""";

        CniCall add = _container.AddList(List(Limits));

        AssertBucket(PairName(), 1_000_000, 100_000);
        Assert.Null(RedirectOf(PairName()));
        Assert.Equal(2, add.Result.GetProperty("interfaces").GetArrayLength());
        _container.CheckList(List(Limits));
    }

    [Theory]
    [InlineData("""{"ingressRate":8000000}""", 7)]
    [InlineData("""{"ingressBurst":8000000}""", 7)]
    [InlineData("""{"ingressRate":0,"ingressBurst":123}""", 7)]
    [InlineData("""{"ingressRate":-1,"ingressBurst":123}""", 7)]
    [InlineData("""{"egressRate":123}""", 7)]
    [InlineData("""{"egressRate":7,"egressBurst":80000}""", 7)]
    [InlineData("""{"egressRate":1.5,"egressBurst":80000}""", 6)]
    [InlineData("""{"egressRate":"1M","egressBurst":80000}""", 6)]
    public void BW_04_invalid_limits_change_nothing(string limits, int code)
    {
        CniCall first = _container.Add("ptp", Ptp());
        World before = BridgeNet.World(_host);

        _container.TryAdd("bandwidth", Bandwidth(limits), After(first)).RequireError(code);

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void BW_05_the_runtimes_limits()
    {
        CniOptions runtime = new() { RuntimeConfig = $$"""{"bandwidth":{{Both}}}""" };

        CniCall add = _container.AddList(List("{}"), runtime);

        AssertBucket(PairName(), 1_000_000, 100_000);
        AssertBucket(ShaperOf(add), 2_000_000, 200_000);
        _container.CheckList(List("{}"), runtime);
    }

    [Fact]
    public void BW_06_the_configurations_limits_beat_the_runtimes()
    {
        CniOptions runtime = new() { RuntimeConfig = """{"bandwidth":{"ingressRate":80,"ingressBurst":80,"egressRate":80,"egressBurst":80}}""" };

        CniCall add = _container.AddList(List(Both), runtime);

        AssertBucket(PairName(), 1_000_000, 100_000);
        AssertBucket(ShaperOf(add), 2_000_000, 200_000);
    }

    /// <summary>The reference leaves the token bucket and the redirect on the pair: without its target that swallows all that the container sends.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void BW_07_DEL_needs_nothing_and_leaves_a_working_pair(bool keepsRecord)
    {
        CniCall first = _container.Add("ptp", Ptp());
        _container.Add("bandwidth", Bandwidth(Both), After(first));
        if (!keepsRecord)
        {
            File.Delete(Path.Combine(_host.StateDirectory, "attachments/net1", $"{_container.Id}:eth0:bandwidth.json"));
        }

        CniOptions nothing = new() { OmitPreviousResult = true, Environment = new Dictionary<string, string> { ["CNI_NETNS"] = "" } };
        _container.Delete("bandwidth", Bandwidth("{}"), nothing);
        _container.Delete("bandwidth", Bandwidth("{}"), nothing);

        Assert.Null(FindBucket(PairName()));
        Assert.Null(RedirectOf(PairName()));
        Assert.Empty(Shapers());
        Assert.True(_container.Netns.Ping(TestHost.Address4));
    }

    [Fact]
    public void BW_07_the_drivers_DEL_takes_it_along()
    {
        World before = BridgeNet.World(_host);
        _container.AddList(List(Both));

        _container.Delete("ptp", Ptp());

        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>W28: the reference's link is named by network and container alone, so the second ADD fails.</summary>
    [Fact]
    public void BW_08_W28_two_pairs_of_a_container_on_one_network()
    {
        CniOptions second = new() { InterfaceName = "eth1" };
        CniCall one = _container.AddList(List(Both));
        CniCall two = _container.AddList(List(Both), second);

        string other = BridgeNet.PeerOf(_host, _container, "eth1").Text("ifname")!;
        Assert.NotEqual(ShaperOf(one), ShaperOf(two));
        Assert.Equal((ShaperOf(one), ShaperOf(two)), (RedirectOf(PairName()), RedirectOf(other)));
        _container.DeleteList(List(Both), second);
        Assert.Equal([ShaperOf(one)], Shapers());
        _container.CheckList(List(Both));
    }

    [Fact]
    public void BW_09_what_is_no_pair_is_refused()
    {
        World before = BridgeNet.World(_host);
        CniCall first = _container.Add("macvlan", SubNet.Of("macvlan"));

        CniCall refused = _container.TryAdd("bandwidth", Bandwidth(Both), After(first));

        Assert.Contains("macvlan", refused.RequireError(7).Message, StringComparison.Ordinal);
        _container.Delete("macvlan", SubNet.Of("macvlan"));
        BridgeNet.World(_host).AssertEqual(before);
    }

    [Fact]
    public void BW_10_a_result_without_interfaces_is_refused()
    {
        _container.Add("ptp", Ptp());

        _container.TryAdd("bandwidth", Bandwidth(Both), new CniOptions { PreviousResult = """{"cniVersion":"1.0.0","ips":[]}""" }).RequireError(7);
        _container.TryAdd("bandwidth", Bandwidth(Both), new CniOptions { OmitPreviousResult = true }).RequireError(7);
    }

    /// <summary>W27: the reference ends in a panic, without an error object.</summary>
    [Fact]
    public void W27_without_a_result_and_limits_there_is_an_error_object() =>
        Assert.Contains("prevResult", _container.TryAdd("bandwidth", Bandwidth("{}")).RequireError(7).Message, StringComparison.Ordinal);

    [Fact]
    public void BW_11_a_pair_that_is_not_in_the_result_is_refused()
    {
        _container.Add("ptp", Ptp());
        CniOptions other = new() { PreviousResult = """{"cniVersion":"1.0.0","interfaces":[{"name":"uplink"},{"name":"eth0","sandbox":"/x"}],"ips":[]}""" };

        Assert.Contains("prevResult", _container.TryAdd("bandwidth", Bandwidth(Both), other).RequireError(7).Message, StringComparison.Ordinal);
        Assert.Empty(Shapers());
    }

    [Theory]
    [InlineData("ptp")]
    [InlineData("bridge")]
    public void BW_12_a_shaped_container_is_held_up(string driver)
    {
        Container free = _host.Container("free");
        const string Slow = """{"ingressRate":400000,"ingressBurst":24000,"egressRate":400000,"egressBurst":24000}""";
        CniCall shaped = _container.AddList(List(Slow, driver));
        free.Add(driver, driver == "ptp" ? Ptp() : BridgeNet.Of());

        foreach (Container each in new[] { _container, free })
        {
            // 40 packets of 1.4 kB at once: 56 kB where 50 kB pass in a second.
            each.Netns.TryExec("/usr/bin/ping", "-n", "-q", "-c", "40", "-l", "40", "-s", "1400", "-W", "1", "10.1.0.1");
        }

        Assert.True(HeldUp(ShaperOf(shaped)) > 0, "nothing that the container sent was held up");
        Assert.True(_container.Netns.Ping("10.1.0.1"));
        Assert.True(_container.Netns.Ping(free.Netns.Ip("-4 -j address show eth0")[0].GetProperty("addr_info")[0].Text("local")!));
        Assert.Null(FindBucket(BridgeNet.PeerOf(_host, free).Text("ifname")!));
    }

    /// <summary>34359738359 is what CRI-O sends for a burst without a limit.</summary>
    [Fact]
    public void BW_13_a_burst_of_nearly_4_GiB()
    {
        const string Limits = """{"ingressRate":1000000,"ingressBurst":34359738359,"egressRate":80000000000,"egressBurst":34359738359}""";

        CniCall add = _container.AddList(List(Limits));

        Assert.Equal("125000", FindBucket(PairName())!.Value.GetProperty("options").Text("rate"));
        Assert.Equal("10000000000", FindBucket(ShaperOf(add))!.Value.GetProperty("options").Text("rate"));
        _container.CheckList(List(Limits));
        _container.Delete("bandwidth", Bandwidth(Limits));
        _container.TryAdd("bandwidth", Bandwidth("""{"ingressRate":1000000,"ingressBurst":34359738360}"""), After(add)).RequireError(7);
    }

    /// <summary>W34: the reference's CHECK does not look at the redirect.</summary>
    [Theory]
    [InlineData("qdisc del dev PAIR root")]
    [InlineData("qdisc del dev PAIR ingress")]
    [InlineData("qdisc change dev SHAPER root handle 1: tbf rate 1mbit burst 200000 latency 25ms")]
    public void W34_CHECK_sees_what_differs(string change)
    {
        CniCall add = _container.AddList(List(Both));
        string[] words = change.Replace("PAIR", PairName(), StringComparison.Ordinal).Replace("SHAPER", ShaperOf(add), StringComparison.Ordinal).Split(' ');

        _host.Netns.Exec("/usr/sbin/tc", words);

        _container.TryCheck("bandwidth", Bandwidth(Both)).RequireError(100);
    }

    [Fact]
    public void Switch_over_the_references_attachment_is_checked_and_removed()
    {
        Reference.Require();
        string ptp = Ptp(version: "1.0.0");
        CniCall first = _container.Add("ptp", ptp, Reference.Options);
        _container.Add("bandwidth", Bandwidth(Both), After(first) with { Binaries = TestHost.ReferenceBinaries });
        Assert.StartsWith("bwp", Assert.Single(Shapers()), StringComparison.Ordinal);

        _container.Check("bandwidth", Bandwidth(Both));
        _container.Delete("bandwidth", Bandwidth(Both));

        Assert.Empty(Shapers());
        _container.Delete("ptp", ptp);
    }

    [Fact]
    public void GC_removes_the_link_of_whoever_is_gone()
    {
        Container other = _host.Container("other");
        _container.AddList(List(Both));
        CniCall kept = other.AddList(List(Both));

        _host.Gc("bandwidth", Bandwidth("{}", "1.1.0"), (other.Id, "eth0")).RequireSuccess();

        Assert.Equal([ShaperOf(kept)], Shapers());
    }

    [Fact]
    public void Somebody_elses_queueing_discipline_is_left_alone()
    {
        CniCall first = _container.Add("ptp", Ptp());
        _host.Netns.Exec("/usr/sbin/tc", "qdisc", "add", "dev", PairName(), "root", "handle", "7:", "pfifo");

        Assert.Contains("pfifo", _container.TryAdd("bandwidth", Bandwidth(Both), After(first)).RequireError(7).Message, StringComparison.Ordinal);
        Assert.Empty(Shapers());
    }

    private string PairName() => BridgeNet.PeerOf(_host, _container).Text("ifname")!;

    private List<string> Shapers() =>
        [.. _host.Netns.Ip("-j -d link show type ifb").EnumerateArray().Select(static link => link.Text("ifname")).OfType<string>()];

    private JsonElement? FindBucket(string device) => Tc("-s", "-j", "qdisc", "show", "dev", device, "root").EnumerateArray()
        .Where(static qdisc => qdisc.Text("kind") == "tbf").Select(static qdisc => (JsonElement?)qdisc).FirstOrDefault();

    private void AssertBucket(string device, long rate, long burst)
    {
        JsonElement options = FindBucket(device)!.Value.GetProperty("options");
        Assert.Equal($"{rate}", options.Text("rate"));
        Assert.InRange(options.GetProperty("burst").GetInt64(), burst - (burst / 100), burst + (burst / 100));
        Assert.InRange(options.GetProperty("lat").GetInt64(), 24_900, 25_100);
    }

    private string? RedirectOf(string device) => Tc("-j", "filter", "show", "dev", device, "ingress").EnumerateArray()
        .Select(static filter => filter.Find("options")?.Find("actions")?[0].Text("to_dev")).LastOrDefault();

    private long HeldUp(string device)
    {
        JsonElement bucket = FindBucket(device)!.Value;
        return bucket.GetProperty("overlimits").GetInt64() + bucket.GetProperty("drops").GetInt64();
    }

    private JsonElement Tc(params string[] arguments)
    {
        string output = _host.Netns.Exec("/usr/sbin/tc", arguments).Output.Trim();
        return Json.Parse(output.Length == 0 ? "[]" : output);
    }

    private static string ShaperOf(CniCall add) => add.Result.GetProperty("interfaces").EnumerateArray().Last().Text("name")!;

    private static CniOptions After(CniCall add) => new() { PreviousResult = add.Tool.Output };

    private static string Ptp(string extra = "{}", string version = "1.1.0") => BridgeNet.With(
        $$"""{"cniVersion":"{{version}}","name":"net1","type":"ptp","ipam":{"type":"host-local","subnet":"10.1.0.0/24","routes":[{"dst":"0.0.0.0/0"}] } }""", extra);

    private static string Bandwidth(string limits, string version = "1.0.0") =>
        BridgeNet.With($$"""{"cniVersion":"{{version}}","name":"net1","type":"bandwidth"}""", limits);

    private static string List(string limits, string driver = "ptp", string version = "1.1.0")
    {
        string first = driver == "ptp" ? Ptp() : BridgeNet.Of();
        string bandwidth = BridgeNet.With("""{"type":"bandwidth","capabilities":{"bandwidth":true}}""", limits);
        return string.Create(CultureInfo.InvariantCulture, $$"""{"cniVersion":"{{version}}","name":"net1","plugins":[{{first}},{{bandwidth}}]}""");
    }
}
