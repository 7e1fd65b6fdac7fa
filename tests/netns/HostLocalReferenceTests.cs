using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The same calls to Debian's <c>host-local</c> and to ours, each in a directory of its own: the same answers, the same files.</summary>
public sealed class HostLocalReferenceTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public HostLocalReferenceTests()
    {
        Reference.Require();
        _container = _host.Container("web");
    }

    public void Dispose()
    {
        _container.Dispose();
        _host.Dispose();
    }

    [Theory, MemberData(nameof(Versions.OfReference), MemberType = typeof(Versions))]
    public void Addresses_go_round_and_come_back_in_the_same_order(string version)
    {
        const string Ranges =
            """ "ranges":[[{"subnet":"10.1.2.0/29","rangeStart":"10.1.2.4"},{"subnet":"10.1.3.0/30"}],[{"subnet":"2001:db8:1::/64","gateway":"2001:db8:1::fffe"}]] """;
        const string Routes = """ "routes":[{"dst":"0.0.0.0/0"},{"dst":"192.168.7.9/16","gw":"10.1.2.3"},{"dst":"::/0"}] """;
        string ipam = $"{Ranges},{Routes}";

        foreach (string name in new[] { "eth0", "eth1", "eth2", "eth3" })
        {
            AssertSameAdd(version, ipam, new CniOptions { InterfaceName = name });
        }

        AssertBoth(version, ipam, static (container, network, options) => container.TryAdd("host-local", network, options).Succeeded, "eth4", false);
        AssertBoth(version, ipam, static (container, network, options) => container.TryDelete("host-local", network, options).Succeeded, "eth1", true);
        AssertBoth(version, ipam, static (container, network, options) => container.TryDelete("host-local", network, options).Succeeded, "eth1", true);
        AssertSameAdd(version, ipam, new CniOptions { InterfaceName = "eth5" });
        AssertSameFiles();
    }

    [Theory, MemberData(nameof(Versions.OfReference), MemberType = typeof(Versions))]
    public void Requests_by_all_three_ways_are_served(string version)
    {
        const string Ipam = """ "ranges":[[{"subnet":"10.1.2.0/24"}],[{"subnet":"2001:db8:1::/64"}]] """;
        AssertSameAdd(version, Ipam, new CniOptions { InterfaceName = "a", Arguments = "IP=10.1.2.77" });
        AssertSameAdd(version, Ipam, new CniOptions { InterfaceName = "b", Arguments = "IP=10.1.2.78/16" });
        AssertSameAdd(version, Ipam, new CniOptions { InterfaceName = "c", RuntimeConfig = """{"ips":["2001:DB8:1:0::77/128"]}""" });
        AssertSameAdd(version, Ipam, new CniOptions { InterfaceName = "d" }, """ ,"args":{"cni":{"ips":["10.1.2.90"]} } """);
        AssertSameAdd(version, Ipam, new CniOptions { InterfaceName = "e", Arguments = "IP=10.1.2.95;IgnoreUnknown=true;X=y" });
        AssertSameFiles();
    }

    [Theory, MemberData(nameof(Versions.OfReference), MemberType = typeof(Versions))]
    public void Ranges_of_the_runtime_come_first(string version)
    {
        CniOptions options = new() { RuntimeConfig = """{"ipRanges":[[{"subnet":"2001:db8:2::/64","rangeStart":"2001:db8:2::50"}]]}""" };

        AssertSameAdd(version, """ "subnet":"10.1.2.0/24","rangeEnd":"10.1.2.9","gateway":"10.1.2.5" """, options);
        AssertSameFiles();
    }

    [Theory]
    [InlineData(""" "subnet":"10.1.2.0/24","rangeStart":"10.1.3.1" """)]
    [InlineData(""" "subnet":"10.1.2.5/24" """)]
    [InlineData(""" "subnet":"10.1.2.0/32" """)]
    [InlineData(""" "subnet":"10.1.2.0" """)]
    [InlineData(""" "ranges":[] """)]
    [InlineData(""" "ranges":[[]] """)]
    [InlineData(""" "ranges":[[{"subnet":"10.1.2.0/24"},{"subnet":"2001:db8::/64"}]] """)]
    [InlineData(""" "ranges":[[{"subnet":"10.1.2.0/24"}],[{"subnet":"10.1.0.0/16"}]] """)]
    [InlineData(""" "ranges":[[{"rangeStart":"10.1.2.0"}]] """)]
    [InlineData(""" "subnet":"10.1.2.0/24","gateway":"nowhere" """)]
    [InlineData(""" "rangeStart":"10.1.2.0" """)]
    [InlineData(""" "subnet":"10.1.2.0/24","routes":[{"dst":"default"}] """)]
    public void What_the_reference_refuses_is_refused(string ipam)
    {
        AssertBoth("1.0.0", ipam, static (container, network, options) => container.TryAdd("host-local", network, options).Succeeded, "eth0", false);
        Assert.Empty(Directory.Exists(DirectoryOf("ours")) ? Directory.EnumerateFiles(DirectoryOf("ours")).Where(static f => !f.EndsWith("lock", StringComparison.Ordinal)) : []);
    }

    [Theory, MemberData(nameof(Versions.OfReference), MemberType = typeof(Versions))]
    public void Either_works_on_what_the_other_left(string version)
    {
        string network = Network(version, """ "subnet":"10.1.2.0/24" """, "shared");
        CniOptions second = new() { InterfaceName = "eth1" };
        _container.Add("host-local", network, Reference.Options);
        _container.Add("host-local", network, second);

        _container.Delete("host-local", network);
        _container.Delete("host-local", network, second with { Binaries = TestHost.ReferenceBinaries });

        Assert.Equal(
            ["last_reserved_ip.0", "lock"], Directory.EnumerateFiles(DirectoryOf("shared")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private static string Network(string version, string ipam, string directory, string more = "") =>
        $$"""{"cniVersion":"{{version}}","name":"net","type":"any","ipam":{"type":"host-local","dataDir":"/var/lib/cni/{{directory}}",{{ipam}} } {{more}} }""";

    private string DirectoryOf(string which) => Path.Combine(_host.Root, "var/lib/cni", which, "net");

    private void AssertSameAdd(string version, string ipam, CniOptions options, string more = "")
    {
        CniCall theirs = _container.TryAdd("host-local", Network(version, ipam, "theirs", more), options with { Binaries = TestHost.ReferenceBinaries });
        CniCall ours = _container.TryAdd("host-local", Network(version, ipam, "ours", more), options);
        Reference.AssertSame(theirs, ours);
    }

    private void AssertBoth(string version, string ipam, Func<Container, string, CniOptions, bool> call, string name, bool succeeds)
    {
        CniOptions options = new() { InterfaceName = name };
        Assert.Equal(succeeds, call(_container, Network(version, ipam, "theirs"), options with { Binaries = TestHost.ReferenceBinaries }));
        Assert.Equal(succeeds, call(_container, Network(version, ipam, "ours"), options));
    }

    private void AssertSameFiles() => Assert.Equal(Describe("theirs"), Describe("ours"));

    // Without modes: Debian's older build makes leases readable for all, the newest release and ours do not.
    private string Describe(string which) => string.Join('\n', Directory.EnumerateFiles(DirectoryOf(which)).Order(StringComparer.Ordinal)
        .Select(static path => $"{Path.GetFileName(path)} {Convert.ToHexString(File.ReadAllBytes(path))}"));
}
