using CniPlugins.Attachments;
using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Attachments;

/// <summary>The scenarios of the reference for reading a <c>host-local</c> configuration.</summary>
public sealed class HostLocalConfigTests
{
    private const string OneSubnet = """ "subnet":"10.1.2.0/24" """;
    private const string TwoSets = """ "ranges":[[{"subnet":"10.1.2.0/24"},{"subnet":"10.1.4.0/24"}],[{"subnet":"2001:db8:1::/64"}]] """;

    [Fact]
    public void HL_15_old_style_single_range()
    {
        HostLocalConfig config = Read(Network(
            """ "subnet":"10.1.2.0/24","rangeStart":"10.1.2.9","rangeEnd":"10.1.2.20","gateway":"10.1.2.30" """));

        CniPlugins.Ipam.AddressRange range = Assert.Single(Assert.Single(config.Plan.Sets).Ranges);
        Assert.Equal(("10.1.2.0/24", "10.1.2.9-10.1.2.20", "10.1.2.30"), (range.Subnet.ToString(), range.ToString(), range.Gateway.ToString()));
        Assert.Equal("/var/lib/cni/networks", config.DataDirectory);
        Assert.Null(config.ResolvConfPath);
    }

    [Fact]
    public void HL_15_new_style_range_sets() =>
        Assert.Equal(["10.1.2.1-10.1.2.254,10.1.4.1-10.1.4.254", "2001:db8:1::1-2001:db8:1:0:ffff:ffff:ffff:ffff"], Sets(Network(TwoSets)));

    [Fact]
    public void HL_15_both_styles_and_the_runtimes_in_the_reference_s_order() => Assert.Equal(
        ["10.9.0.1-10.9.0.2", "10.1.8.1-10.1.8.254", "10.1.2.1-10.1.2.254,10.1.4.1-10.1.4.254", "2001:db8:1::1-2001:db8:1:0:ffff:ffff:ffff:ffff"],
        Sets(Network(""" "subnet":"10.1.8.0/24", """ + TwoSets, """ "runtimeConfig":{"ipRanges":[[{"subnet":"10.9.0.0/30"}]]} """)));

    [Fact]
    public void HL_15_a_single_range_without_a_subnet_is_none() =>
        Assert.Equal(["10.1.2.1-10.1.2.254"], Sets(Network(""" "gateway":"10.1.2.9","ranges":[[{"subnet":"10.1.2.0/24"}]] """)));

    [Theory]
    [InlineData("IP=10.1.2.10", "", "10.1.2.10")]
    [InlineData("IP=10.1.2.10/24", "", "10.1.2.10")]
    [InlineData("IP=2001:DB8:1:0::10/64", "", "2001:db8:1::10")]
    [InlineData("", """ "args":{"cni":{"ips":["10.1.2.11","2001:db8:1::11/64"]} } """, "10.1.2.11 2001:db8:1::11")]
    [InlineData("", """ "runtimeConfig":{"ips":["10.1.2.12/24"]} """, "10.1.2.12")]
    [InlineData("", """ "runtimeConfig":{"IPs":["::ffff:10.1.2.12"]} """, "10.1.2.12")]
    [InlineData("IP=10.1.2.10", """ "args":{"cni":{"ips":["10.1.2.11"]} },"runtimeConfig":{"ips":["10.1.2.12"]} """, "10.1.2.10 10.1.2.11 10.1.2.12")]
    public void HL_15_requests_by_three_ways_are_united(string arguments, string more, string expected) =>
        Assert.Equal(expected, string.Join(' ', Read(Network(OneSubnet, more), arguments).Requested));

    [Theory]
    [InlineData("0.2.0", """[{"subnet":"10.1.2.0/24"}],[{"subnet":"2001:db8:1::/64"}]""", true)]
    [InlineData("0.2.0", """[{"subnet":"10.1.2.0/24"},{"subnet":"10.1.3.0/24"}]""", true)]
    [InlineData("0.2.0", """[{"subnet":"10.1.2.0/24"}],[{"subnet":"10.1.3.0/24"}]""", false)]
    [InlineData("0.1.0", """[{"subnet":"2001:db8:1::/64"}],[{"subnet":"2001:db8:2::/64"}]""", false)]
    [InlineData("0.3.0", """[{"subnet":"10.1.2.0/24"}],[{"subnet":"10.1.3.0/24"}]""", true)]
    public void HL_15_before_0_3_0_a_family_has_one_set(string version, string ranges, bool allowed)
    {
        string network = Network($""" "ranges":[{ranges}] """, "", version);
        if (allowed)
        {
            Read(network);
            return;
        }

        CniException e = Assert.Throws<CniException>(() => Read(network));
        Assert.Equal(CniErrorCode.InvalidConfig, e.Code);
        Assert.Contains($"cniVersion {version}", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(""" "ranges":[[{"subnet":"10.1.2.0/24"},{"subnet":"10.1.2.128/25"}]] """, "ipam.ranges[0]: ranges 10.1.2.1-10.1.2.254 and 10.1.2.129-10.1.2.254 overlap")]
    [InlineData(""" "ranges":[[{"subnet":"10.1.2.0/24"}],[{"subnet":"10.1.2.0/24"}]] """, "ipam: range set 0 (10.1.2.1-10.1.2.254) overlaps range set 1")]
    [InlineData(""" "ranges":[[{"subnet":"10.1.2.0/24"},{"subnet":"2001:db8::/64"}]] """, "ipam.ranges[0]: ranges")]
    [InlineData(""" "ranges":[[{"subnet":"10.1.2.0/24"}],[]] """, "ipam.ranges[1]: a range set is empty")]
    [InlineData(""" "ranges":[[{"subnet":"10.1.2.7/24"}]] """, "ipam.ranges[0][0]: subnet 10.1.2.7/24 has host bits set; the network of that length is 10.1.2.0/24")]
    [InlineData(""" "ranges":[[{"subnet":"10.1.2.0/24","rangeEnd":"10.1.3.1"}]] """, "ipam.ranges[0][0]: rangeEnd 10.1.3.1 is not in subnet 10.1.2.0/24")]
    [InlineData(""" "ranges":[[{"gateway":"10.1.2.1"}]] """, "ipam.ranges[0][0].subnet is missing")]
    [InlineData(""" "subnet":"10.1.2.0" """, "ipam.subnet: \"10.1.2.0\" is not a subnet such as")]
    [InlineData(""" "subnet":"10.1.2.0/24","gateway":"10.1.2" """, "ipam.gateway: \"10.1.2\" is not an address")]
    [InlineData(""" "subnet":"10.1.2.0/24","routes":[{"dst":"nowhere"}] """, "ipam.routes[0].dst: \"nowhere\" is not an address with a prefix length")]
    [InlineData(""" "subnet":"10.1.2.0/24","dataDir":"/a\u0000b" """, "ipam.dataDir holds a NUL character")]
    [InlineData(""" "ranges":[] """, "ipam: no address range is given")]
    public void HL_15_what_is_wrong_is_named_with_its_place(string ipam, string message)
    {
        CniException e = Assert.Throws<CniException>(() => Read(Network(ipam)));

        Assert.Equal(CniErrorCode.InvalidConfig, e.Code);
        Assert.StartsWith(message, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(""" "subnet":10 """, "ipam.subnet")]
    [InlineData(""" "ranges":[{"subnet":"10.1.2.0/24"}] """, "ipam.ranges[0]")]
    [InlineData(""" "ranges":[[null]] """, "ipam.ranges[0][0]")]
    [InlineData(""" "subnet":"10.1.2.0/24","routes":{} """, "ipam.routes")]
    [InlineData(""" "subnet":"10.1.2.0/24","resolvConf":["/etc/resolv.conf"] """, "ipam.resolvConf")]
    public void Wrong_types_are_decoding_failures(string ipam, string place)
    {
        CniException e = Assert.Throws<CniException>(() => Read(Network(ipam)));

        Assert.Equal(CniErrorCode.DecodingFailure, e.Code);
        Assert.StartsWith(place + ":", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("IP=10.1.2", "")]
    [InlineData("IP=", "")]
    [InlineData("IP=10.1.2.5/33", "")]
    [InlineData("", """ "args":{"cni":{"ips":["10.1.2.5 "]} } """)]
    [InlineData("", """ "runtimeConfig":{"ips":[""]} """)]
    public void A_request_that_is_no_address_is_refused(string arguments, string more)
    {
        CniException e = Assert.Throws<CniException>(() => Read(Network(OneSubnet, more), arguments));

        Assert.Equal(arguments.Length > 0 ? CniErrorCode.InvalidEnvironment : CniErrorCode.InvalidConfig, e.Code);
    }

    [Fact]
    public void Routes_keep_every_attribute()
    {
        ResultRoute route = Assert.Single(Read(Network(
            """ "subnet":"10.1.2.0/24","routes":[{"dst":"10.0.0.0/8","gw":"10.1.2.9","mtu":1400,"advmss":1360,"priority":10,"table":0,"scope":253}] """)).Routes);

        Assert.Equal(("10.0.0.0/8", "10.1.2.9"), (route.Text, route.Gateway!.ToString()));
        Assert.Equal((1400, 1360, 10, 0, 253), (route.Mtu, route.AdvMss, route.Priority, route.Table, route.Scope));
    }

    [Fact]
    public void The_directory_is_the_configurations_or_the_hosts()
    {
        HostSettings settings = new() { DataDirectory = "/data/leases" };

        Assert.Equal("/data/leases", HostLocalConfig.Read(Requests.Of(CniVerb.Add, Network(OneSubnet)), settings).DataDirectory);
        Assert.Equal("/data/leases", HostLocalConfig.Read(Requests.Of(CniVerb.Add, Network(OneSubnet + ""","dataDir":"" """)), settings).DataDirectory);
        Assert.Equal("/own", HostLocalConfig.Read(Requests.Of(CniVerb.Add, Network(OneSubnet + ""","dataDir":"/own" """)), settings).DataDirectory);
    }

    [Fact]
    public void Without_ipam_the_sentence_says_what_to_set() => Assert.Equal(
        CniErrorCode.InvalidConfig, Assert.Throws<CniException>(() => Read("""{"cniVersion":"1.1.0","name":"net"}""")).Code);

    private static string Network(string ipam, string more = "", string version = "1.1.0") =>
        $$"""{"cniVersion":"{{version}}","name":"net","ipam":{"type":"host-local",{{ipam}} }{{(more.Length > 0 ? "," + more : "")}} }""";

    private static HostLocalConfig Read(string network, string arguments = "") =>
        HostLocalConfig.Read(Requests.Of(CniVerb.Add, network, arguments), new HostSettings());

    private static IEnumerable<string> Sets(string network) => Read(network).Plan.Sets.Select(static set => set.ToString());
}
