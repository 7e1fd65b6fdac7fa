using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>An interface of the host that a container has for as long as it lives.</summary>
public sealed class HostDeviceTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public HostDeviceTests()
    {
        _container = _host.Container("web");
        _host.Netns.Ip("link add lan1 type veth peer name lan2");
        _host.Netns.Ip("address add 192.0.2.130/24 dev lan2");
        _host.Netns.Ip("link set lan2 up");
        _host.Netns.Ip("route del 192.0.2.0/24 dev lan2");
    }

    public static TheoryData<string> VersionNames => PtpTests.VersionNames;

    public void Dispose() => _host.Dispose();

    /// <summary>HD-01.</summary>
    [Theory, MemberData(nameof(VersionNames))]
    public void HD_01_without_addresses(string version)
    {
        string network = Network(version, """{"ipam":{}}""");
        if (string.CompareOrdinal(version, "0.3.0") < 0)
        {
            _container.TryAdd("host-device", network);   // a result without addresses cannot be told in those versions
            Assert.NotNull(BridgeNet.FindLink(_host.Netns, "lan1"));
            return;
        }

        CniCall add = _container.Add("host-device", network);

        Assert.Equal("eth0", SubNet.Interface(add)["name"]!.GetValue<string>());
        Assert.NotNull(BridgeNet.FindLink(_container.Netns, "eth0"));
        Assert.Null(BridgeNet.FindLink(_host.Netns, "lan1"));
        _container.Delete("host-device", network);
        Assert.NotNull(BridgeNet.FindLink(_host.Netns, "lan1"));
        Assert.Null(BridgeNet.FindLink(_host.Netns, "lan1")!.Value.Text("ifalias"));
        Assert.Null(BridgeNet.FindLink(_container.Netns, "eth0"));
    }

    [Fact]
    public void HD_04_with_addresses()
    {
        World before = BridgeNet.World(_host);
        CniCall add = _container.Add("host-device", Network());
        _host.Netns.Ip($"route add {add.Address()}/32 dev lan2");

        Assert.Equal(add.Addresses, BridgeNet.AddressesOf(_container.Netns, "eth0"));
        Assert.True(_container.Netns.Ping("192.0.2.130"));
        _container.Check("host-device", Network());
        _container.Netns.Ip("address flush dev eth0");
        _container.TryCheck("host-device", Network()).RequireError(100);
        _container.Delete("host-device", Network());

        AssertBack(before);
    }

    [Fact]
    public void By_its_hardware_address()
    {
        string mac = BridgeNet.FindLink(_host.Netns, "lan1")!.Value.Text("address")!;
        string network = BridgeNet.With(Network(), $$"""{"device":"","hwaddr":"{{mac}}"}""");

        _container.Add("host-device", network);

        Assert.Equal(mac, BridgeNet.FindLink(_container.Netns, "eth0")!.Value.Text("address"));
    }

    [Fact]
    public void By_its_place_below_sys_devices()
    {
        World before = BridgeNet.World(_host);
        string network = BridgeNet.With(Network(), """{"device":"","kernelpath":"/sys/devices/nothing/here"}""");

        Assert.Contains("/sys/devices/nothing/here", _container.TryAdd("host-device", network).RequireError(7).Message, StringComparison.Ordinal);

        BridgeNet.World(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("""{"device":""}""")]
    [InlineData("""{"device":"nowhere"}""")]
    [InlineData("""{"device":"a/b"}""")]
    [InlineData("""{"device":"","hwaddr":"02:00"}""")]
    [InlineData("""{"device":"","kernelpath":"/etc"}""")]
    [InlineData("""{"device":"","kernelpath":"/sys/devices/../../etc"}""")]
    [InlineData("""{"device":"","pciBusID":"0000:ff:1f.7"}""")]
    [InlineData("""{"device":"","pciBusID":"../x"}""")]
    [InlineData("""{"device":"lo"}""")]
    public void HD_05_what_names_no_device_is_refused(string extra)
    {
        World before = BridgeNet.World(_host);

        _container.TryAdd("host-device", BridgeNet.With(Network(), extra)).RequireError(7);

        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>HD-06 to HD-09: the runtime names the device; here none such is there.</summary>
    [Theory]
    [InlineData("0000:ff:1f.7")]
    [InlineData("mlx5_core.sf.99")]
    public void HD_06_a_device_that_the_runtime_names(string id)
    {
        CniOptions options = new() { RuntimeConfig = $$"""{"deviceID":"{{id}}"}""" };

        Assert.Contains(id, _container.TryAdd("host-device", BridgeNet.With(Network(), """{"device":""}"""), options).RequireError(7).Message, StringComparison.Ordinal);
    }

    /// <summary>HD-02 and HD-10.</summary>
    [Fact]
    public void HD_02_while_the_host_has_another_of_that_name_the_container_keeps_it()
    {
        _container.Add("host-device", Network());
        _host.Netns.Ip("link add lan1 type veth peer name lan3");

        Assert.Contains("lan1", _container.TryDelete("host-device", Network()).RequireError(11).Message, StringComparison.Ordinal);

        Assert.Contains("UP", BridgeNet.FindLink(_container.Netns, "eth0")!.Value.GetProperty("flags").EnumerateArray().Select(static flag => flag.GetString()));
        _host.Netns.Ip("link del lan1");
        _container.Delete("host-device", Network());
        Assert.NotNull(BridgeNet.FindLink(_host.Netns, "lan1"));
    }

    [Fact]
    public void HD_11_a_name_that_is_taken_in_the_container()
    {
        World before = BridgeNet.World(_host);
        _container.Netns.Ip("link add eth0 type veth peer name other");

        _container.TryAdd("host-device", Network()).RequireError(4);

        _container.Netns.Ip("link del eth0");
        BridgeNet.World(_host).AssertEqual(before);
    }

    /// <summary>W2: the reference's second DEL fails, and so does one without the namespace, before the address is released.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("/run/netns/is-gone")]
    public void W2_DEL_any_number_of_times_with_and_without_a_namespace(string path)
    {
        World before = BridgeNet.World(_host);
        _container.Add("host-device", Network());

        _container.Delete("host-device", Network(), new CniOptions { NetnsPath = path, OmitPreviousResult = true });
        _container.Delete("host-device", Network(), new CniOptions { NetnsPath = path, OmitPreviousResult = true });
        _container.Delete("host-device", Network());

        AssertBack(before);
    }

    [Fact]
    public void A_container_that_renames_it_does_not_keep_it()
    {
        _container.Add("host-device", Network());
        _container.Netns.Ip("link set eth0 down");
        _container.Netns.Ip("link set eth0 name mine");
        _container.Netns.Ip("link add eth0 type bridge");

        _container.Delete("host-device", Network());

        Assert.Equal("veth", BridgeNet.FindLink(_host.Netns, "lan1")!.Value.Find("linkinfo")!.Value.Text("info_kind"));
    }

    /// <summary>A device that the reference gave away comes back by ours, and the other way round.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_reference_and_ours_take_back_what_the_other_gave(bool oursAdds)
    {
        Reference.Require();
        string network = Network("0.4.0");
        CniCall add = _container.Add("host-device", network, oursAdds ? null : Reference.Options);
        Assert.Null(BridgeNet.FindLink(_host.Netns, "lan1"));

        CniOptions options = (oursAdds ? Reference.Options : new CniOptions()) with { PreviousResult = add.Tool.Output };
        _container.Delete("host-device", network, options);

        Assert.NotNull(BridgeNet.FindLink(_host.Netns, "lan1"));
        _container.Delete("host-device", network);
    }

    private static string Network(string version = "1.1.0", string extra = "{}") =>
        BridgeNet.With(SubNet.Of("host-device", """{"device":"lan1","detectDuplicates":false}""", version), extra);

    /// <summary>It comes back down, as it came; the other end of a pair sees the carrier go and come.</summary>
    private void AssertBack(World before)
    {
        Assert.NotNull(BridgeNet.FindLink(_host.Netns, "lan1"));
        Assert.Null(BridgeNet.FindLink(_container.Netns, "eth0"));
        Func<string, bool> keep = static line => !line.Contains("lan1", StringComparison.Ordinal) && !line.Contains("lan2", StringComparison.Ordinal);
        BridgeNet.World(_host).Where(keep).AssertEqual(before.Where(keep));
    }
}
