using System.Text.Json;
using CniPlugins.Linux;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The plugin <c>host-local</c>: the reference's scenarios, in every version of the specification.</summary>
public sealed class HostLocalTests : IDisposable
{
    private const string TwoSets =
        """ "ranges":[[{"subnet":"10.1.2.0/24"}],[{"subnet":"2001:db8:1::/64"}]],"routes":[{"dst":"0.0.0.0/0"},{"dst":"2001:db8:9::/48","gw":"2001:db8:1::9"}] """;

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public HostLocalTests() => _container = _host.Container("web");

    private string Leases => Path.Combine(_host.DataDirectory, "net");

    public void Dispose()
    {
        _container.Dispose();
        _host.Dispose();
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_01_an_address_of_each_set_with_routes_and_files(string version)
    {
        CniCall add = _container.Add("host-local", Network(version, TwoSets));

        Assert.Equal(["10.1.2.2/24", "2001:db8:1::2/64"], AddressesOf(add));
        if (string.CompareOrdinal(version, "0.3.0") < 0)
        {
            Assert.Equal("10.1.2.1", add.Result.GetProperty("ip4").Text("gateway"));
            Assert.Equal("0.0.0.0/0", add.Result.GetProperty("ip4").GetProperty("routes")[0].Text("dst"));
            Assert.Equal("2001:db8:1::9", add.Result.GetProperty("ip6").GetProperty("routes")[0].Text("gw"));
        }
        else
        {
            Assert.Equal(["10.1.2.1", "2001:db8:1::1"], add.Result.GetProperty("ips").EnumerateArray().Select(static ip => ip.Text("gateway")));
            Assert.Equal(["0.0.0.0/0", "2001:db8:9::/48"], add.Result.GetProperty("routes").EnumerateArray().Select(static r => r.Text("dst")));
            Assert.Null(add.Result.Find("interfaces"));
        }

        Assert.Equal($"{_container.Id}\r\neth0", File.ReadAllText(Leases + "/10.1.2.2"));
        Assert.Equal($"{_container.Id}\r\neth0", File.ReadAllText(Leases + "/2001:db8:1::2"));
        Assert.Equal("10.1.2.2", File.ReadAllText(Leases + "/last_reserved_ip.0"));
        Assert.Equal("2001:db8:1::2", File.ReadAllText(Leases + "/last_reserved_ip.1"));

        _container.Delete("host-local", Network(version, TwoSets));
        Assert.Equal(["last_reserved_ip.0", "last_reserved_ip.1", "lock"], ListFiles());
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_02_two_interfaces_of_a_container_are_released_one_by_one(string version)
    {
        string network = Network(version, TwoSets);
        CniOptions second = new() { InterfaceName = "eth1" };
        _container.Add("host-local", network);
        Assert.Equal(["10.1.2.3/24", "2001:db8:1::3/64"], AddressesOf(_container.Add("host-local", network, second)));

        _container.Delete("host-local", network);

        Assert.Equal(["10.1.2.3", "2001:db8:1::3"], ListLeases());
        _container.Delete("host-local", network, second);
        Assert.Empty(ListLeases());
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_03_a_second_add_of_one_attachment_is_refused(string version)
    {
        string network = Network(version, TwoSets);
        _container.Add("host-local", network);
        World before = World.Of(_host);

        string message = _container.TryAdd("host-local", network).RequireError(11).Message;

        Assert.Contains("10.1.2.2", message, StringComparison.Ordinal);
        Assert.Contains("DEL", message, StringComparison.Ordinal);
        AssertSame(before);
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_04_a_lease_of_the_oldest_form_is_released(string version)
    {
        string network = Network(version, TwoSets);
        Directory.CreateDirectory(Leases);
        File.WriteAllText(Leases + "/10.1.2.5", _container.Id);
        File.WriteAllText(Leases + "/10.1.2.6", "somebody-else");

        _container.Delete("host-local", network);

        Assert.Equal(["10.1.2.6"], ListLeases());
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_05_nothing_to_release_is_success(string version)
    {
        World before = World.Of(_host);

        _container.Delete("host-local", Network(version, TwoSets));

        AssertSame(before);
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_06_white_space_in_a_lease_does_not_matter(string version)
    {
        string network = Network(version, TwoSets);
        Directory.CreateDirectory(Leases);
        File.WriteAllText(Leases + "/10.1.2.5", $"{_container.Id}\n");
        File.WriteAllText(Leases + "/10.1.2.6", $"\t{_container.Id}\r\neth1\r\n");

        _container.Delete("host-local", network);
        _container.Delete("host-local", network, new CniOptions { InterfaceName = "eth1" });

        Assert.Empty(ListLeases());
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_07_the_first_use_makes_no_noise(string version)
    {
        CniCall add = _container.Add("host-local", Network(version, """ "subnet":"10.1.2.0/24" """));

        Assert.Equal("", add.Tool.Error);
        Assert.Equal("", _container.Delete("host-local", Network(version, """ "subnet":"10.1.2.0/24" """)).Tool.Error);
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_08_an_address_is_had_on_request(string version)
    {
        CniOptions options = new() { Arguments = "IgnoreUnknown=1;K8S_POD_NAME=web;IP=10.1.2.88" };

        CniCall add = _container.Add("host-local", Network(version, """ "subnet":"10.1.2.0/24" """), options);

        Assert.Equal(["10.1.2.88/24"], AddressesOf(add));
        Assert.Equal(["10.1.2.88"], ListLeases());
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_09_one_address_from_each_set_may_be_requested(string version)
    {
        bool one = string.CompareOrdinal(version, "0.3.0") < 0;   // one address of a family
        string ranges = one
            ? """ "ranges":[[{"subnet":"10.1.2.0/24"}],[{"subnet":"2001:db8:1::/64"}]] """
            : """ "ranges":[[{"subnet":"10.1.2.0/24"}],[{"subnet":"10.1.3.0/24"}]] """;
        string[] wanted = one ? ["10.1.2.88", "2001:db8:1::88"] : ["10.1.2.88", "10.1.3.88"];
        string network = Network(version, ranges, $$""" ,"args":{"cni":{"ips":["{{wanted[1]}}"] } } """);

        CniCall add = _container.Add("host-local", network, new CniOptions { Arguments = $"IP={wanted[0]}/24" });

        Assert.Equal(wanted, AddressesOf(add).Select(static a => a.Split('/')[0]));
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_10_an_address_of_each_family_may_be_requested(string version)
    {
        CniOptions options = new() { RuntimeConfig = """{"ips":["2001:db8:1::999","10.1.2.88"]}""" };

        CniCall add = _container.Add("host-local", Network(version, TwoSets), options);

        Assert.Equal(["10.1.2.88/24", "2001:db8:1::999/64"], AddressesOf(add));
    }

    [Theory, MemberData(nameof(Versions.All), MemberType = typeof(Versions))]
    public void HL_11_a_request_that_no_set_serves_keeps_nothing(string version)
    {
        CniOptions options = new() { RuntimeConfig = """{"ips":["10.1.2.88","10.9.9.9"]}""" };

        string message = _container.TryAdd("host-local", Network(version, TwoSets), options).RequireError(7).Message;

        Assert.Contains("10.9.9.9", message, StringComparison.Ordinal);
        Assert.Empty(ListLeases());
    }

    [Fact]
    public void HL_17_the_lock_of_the_reference_is_waited_for()
    {
        Directory.CreateDirectory(Leases);
        string network = Network("1.1.0", TwoSets);
        FileLock held = FileLock.Exclusive(Leases + "/lock");
        CniCall? add = null;
        Thread thread = new(() => add = _container.TryAdd("host-local", network)) { IsBackground = true };
        thread.Start();

        // A process that waits for a lock stands in /proc/locks with an arrow before the word FLOCK.
        string inode = _host.Netns.Exec("stat", "-c", "%i", Leases + "/lock").Output.Trim();
        Assert.True(SpinWait.SpinUntil(() => File.ReadLines("/proc/locks").Any(line =>
            line.Contains("-> FLOCK", StringComparison.Ordinal) && line.Contains($":{inode} ", StringComparison.Ordinal)), 30_000));
        Assert.Empty(ListLeases());
        Assert.True(thread.IsAlive);

        held.Dispose();
        thread.Join();
        Assert.Equal(["10.1.2.2/24", "2001:db8:1::2/64"], AddressesOf(add!));
    }

    [Fact]
    public void An_address_that_another_container_has_is_refused_for_now()
    {
        using Container other = _host.Container("other");
        string network = Network("1.1.0", """ "subnet":"10.1.2.0/24" """);
        other.Add("host-local", network);

        Assert.Contains(
            "10.1.2.2", _container.TryAdd("host-local", network, new CniOptions { Arguments = "IP=10.1.2.2" }).RequireError(11).Message, StringComparison.Ordinal);
        _container.TryAdd("host-local", network, new CniOptions { Arguments = "IP=10.1.2.1" }).RequireError(7);
        Assert.Equal(["10.1.2.2"], ListLeases());
    }

    [Fact]
    public void An_exhausted_range_fails_add_with_its_use_and_status_with_50()
    {
        string network = Network("1.1.0", """ "ranges":[[{"subnet":"10.1.2.0/30"}],[{"subnet":"2001:db8:1::/64"}]] """);
        Assert.Equal("", _host.Status("host-local", network).RequireSuccess().Tool.Output);
        _container.Add("host-local", network);
        using Container second = _host.Container("second");
        World before = World.Of(_host);

        Assert.Equal("range set 0 (10.1.2.1-10.1.2.2): 0 of 1 free", second.TryAdd("host-local", network).RequireError(11).Details);
        CniCall status = _host.Status("host-local", network).RequireError(50);
        Assert.Contains("range set 0 (10.1.2.1-10.1.2.2): 0 of 1 free", status.Details, StringComparison.Ordinal);
        Assert.Contains("range set 1", status.Details, StringComparison.Ordinal);
        AssertSame(before);

        _container.Delete("host-local", network);
        _host.Status("host-local", network).RequireSuccess();
        Assert.Equal("10.1.2.2/30", second.Add("host-local", network).Addresses[0]);
    }

    [Fact]
    public void Delete_needs_no_valid_ranges_and_no_valid_arguments()
    {
        _container.Add("host-local", Network("1.1.0", """ "subnet":"10.1.2.0/24" """));

        _container.Delete("host-local", Network("1.1.0", """ "ranges":[[{"subnet":"nonsense"}],42] """), new CniOptions { Arguments = "A=B;;" });

        Assert.Empty(ListLeases());
    }

    [Fact]
    public void The_directory_of_the_configuration_goes_before_that_of_the_host()
    {
        string directory = Path.Combine(_host.Root, "run/leases");
        string network = Network("1.1.0", $$""" "subnet":"10.1.2.0/24","dataDir":"{{directory}}" """);

        _container.Add("host-local", network);

        Assert.True(File.Exists(directory + "/net/10.1.2.2"));
        Assert.False(Directory.Exists(Leases));
        _container.Delete("host-local", network);
        Assert.False(File.Exists(directory + "/net/10.1.2.2"));
    }

    [Fact]
    public void A_directory_that_cannot_be_used_fails_status_with_50_and_the_rest_with_5()
    {
        string file = Path.Combine(_host.Root, "run/file");
        File.WriteAllText(file, "");
        string network = Network("1.1.0", $$""" "subnet":"10.1.2.0/24","dataDir":"{{file}}" """);

        Assert.Contains(file, _host.Status("host-local", network).RequireError(50).Message, StringComparison.Ordinal);
        foreach (string verb in new[] { "ADD", "DEL", "CHECK" })
        {
            Assert.Contains(file, _container.Call(verb, "host-local", network).RequireError(5).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Status_makes_nothing()
    {
        World before = World.Of(_host);

        _host.Status("host-local", Network("1.1.0", TwoSets)).RequireSuccess();

        World.Of(_host).AssertEqual(before);
    }

    [Theory, MemberData(nameof(Versions.WithCheck), MemberType = typeof(Versions))]
    public void Check_sees_a_lost_lease(string version)
    {
        string network = Network(version, TwoSets);
        _container.TryCheck("host-local", network).RequireError(100);
        _container.Add("host-local", network);
        _container.Check("host-local", network);
        _container.Check("host-local", network, new CniOptions { OmitPreviousResult = true });

        File.WriteAllText(Leases + "/2001:db8:1::2", "thief\r\neth0");

        _container.TryCheck("host-local", network).RequireError(100);
        _container.Check("host-local", network, new CniOptions { OmitPreviousResult = true });
    }

    [Fact]
    public void A_driver_may_send_the_whole_of_its_own_configuration()
    {
        const string Bridge = """
            {"cniVersion":"1.0.0","name":"net","type":"bridge","bridge":"cni0","isGateway":true,"vlanTrunk":[{"id":5}],"mtu":"as you like",
             "IPAM":{"TYPE":"host-local","Subnet":"10.1.2.0/24","rangestart":"10.1.2.20"},"capabilities":{"ips":true}}
            """;

        Assert.Equal(["10.1.2.20/24"], _container.Add("host-local", Bridge).Addresses);
    }

    [Fact]
    public void The_resolver_settings_of_a_file_are_passed_on()
    {
        string file = Path.Combine(_host.Root, "run/resolv.conf");
        File.WriteAllText(file, "nameserver 192.0.2.53\nsearch a.example b.example\noptions ndots:2\ndomain example.org\n");
        string network = Network("1.1.0", $$""" "subnet":"10.1.2.0/24","resolvConf":"{{file}}" """);

        JsonElement dns = _container.Add("host-local", network).Result.GetProperty("dns");

        Assert.Equal(("192.0.2.53", "example.org", "a.example", "ndots:2"), (
            dns.GetProperty("nameservers")[0].GetString(), dns.Text("domain"), dns.GetProperty("search")[0].GetString(), dns.GetProperty("options")[0].GetString()));
        File.Delete(file);
        _container.TryAdd("host-local", network, new CniOptions { InterfaceName = "eth1" }).RequireError(7);
        Assert.Equal(["10.1.2.2"], ListLeases());
    }

    private static string Network(string version, string ipam, string more = "") =>
        $$"""{"cniVersion":"{{version}}","name":"net","type":"any","ipam":{"type":"host-local",{{ipam}} } {{more}} }""";

    private static IReadOnlyList<string> AddressesOf(CniCall add) => add.Result.Find("ips") is not null
        ? add.Addresses
        : [.. new[] { "ip4", "ip6" }.Select(key => add.Result.Find(key)?.Text("ip")).OfType<string>()];

    private void AssertSame(World before) => World.Of(_host).Except(".index/").AssertEqual(before.Except(".index/"));

    private IReadOnlyList<string> ListFiles() => !Directory.Exists(Leases)
        ? []
        : [.. Directory.EnumerateFiles(Leases).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)];

    private IReadOnlyList<string> ListLeases() =>
        [.. ListFiles().Where(static name => name != "lock" && !name.StartsWith("last_reserved_ip", StringComparison.Ordinal))];
}
