using System.Net;
using System.Text;
using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

public sealed class ResultCodecTests
{
    public static TheoryData<string, string> VersionPairs
    {
        get
        {
            TheoryData<string, string> pairs = [];
            foreach (CniVersion from in CniVersion.Supported)
            {
                foreach (CniVersion to in CniVersion.Supported)
                {
                    pairs.Add(from.ToString(), to.ToString());
                }
            }

            return pairs;
        }
    }

    [Theory, MemberData(nameof(VersionPairs))]
    public void CF_11_every_version_converts_to_every_version(string from, string to) =>
        Assert.Equal(ResultTexts.Of(to), Write(Read(ResultTexts.Of(from), "1.1.0"), to));

    [Theory, MemberData(nameof(VersionPairs))]
    public void CF_11_a_prevResult_must_be_of_the_configurations_family(string result, string config)
    {
        string text = $$"""{"cniVersion":"{{config}}","name":"n","prevResult":{{ResultTexts.Of(result)}}}""";
        if (Family(result) == Family(config))
        {
            Assert.Equal(2, NetworkConfig.Parse(Encoding.UTF8.GetBytes(text)).PrevResult!.Ips.Count);
            return;
        }

        CniException e = Assert.Throws<CniException>(() => NetworkConfig.Parse(Encoding.UTF8.GetBytes(text)));
        Assert.Equal(CniErrorCode.InvalidConfig, e.Code);
        Assert.Contains(result, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.2.0")]
    [InlineData("0.4.0")]
    [InlineData("1.1.0")]
    public void A_result_without_version_has_the_configurations(string config)
    {
        string text = ResultTexts.Of(config).Replace($"\"cniVersion\": \"{config}\",", "", StringComparison.Ordinal);
        Assert.Equal(ResultTexts.Of(config), Write(Read(text, config), config));
    }

    [Fact]
    public void Interfaces_and_route_attributes_keep_what_a_version_has()
    {
        AddResult result = Read(ResultTexts.Interfaces110, "1.1.0");
        Assert.Equal(ResultTexts.Interfaces110, Write(result, "1.1.0"));
        Assert.Equal(ResultTexts.Interfaces040, Write(result, "0.4.0"));
        Assert.Equal(ResultTexts.Interfaces110.Replace("1.1.0", "1.0.0", StringComparison.Ordinal), Write(result, "1.0.0"));
        Assert.Equal(ResultTexts.Interfaces040, Write(Read(ResultTexts.Interfaces040, "0.4.0"), "0.4.0"));
        Assert.DoesNotContain("mtu", Write(result, "0.2.0"), StringComparison.Ordinal);
    }

    [Fact]
    public void CF_11_interface_index_zero_absent_and_negative()
    {
        AddResult result = Read(
            """{"ips":[{"address":"10.0.0.1/8","interface":0},{"address":"10.0.0.2/8"},{"address":"10.0.0.3/8","interface":-1}]}""", "1.0.0");
        Assert.Equal([0, null, -1], result.Ips.Select(static ip => ip.Interface));
    }

    [Theory]
    [InlineData("0.1.0")]
    [InlineData("0.2.0")]
    public void CF_11_no_address_cannot_be_written_before_0_3_0(string version)
    {
        CniException e = Assert.Throws<CniException>(() => ResultCodec.Write(new AddResult(), CniVersion.Parse(version)));
        Assert.Equal("cannot convert: no valid IP addresses", e.Details);
    }

    [Theory]
    [InlineData("0.3.0", "{\n    \"cniVersion\": \"0.3.0\",\n    \"dns\": {}\n}")]
    [InlineData("0.4.0", "{\n    \"cniVersion\": \"0.4.0\",\n    \"dns\": {}\n}")]
    [InlineData("1.0.0", "{\n    \"cniVersion\": \"1.0.0\"\n}")]
    public void An_empty_result(string version, string text) => Assert.Equal(text, Write(new AddResult(), version));

    [Fact]
    public void Only_the_first_address_of_each_family_goes_into_0_2_0()
    {
        AddResult result = new()
        {
            Ips = [Ip("fd00::1", 64), Ip("10.0.0.1", 8), Ip("10.0.0.2", 8), Ip("fd00::2", 64)],
            Routes = [new ResultRoute(IPAddress.Parse("10.9.0.0"), 16) { Priority = 5 }],
        };
        Assert.Equal(
            """{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.1/8","routes":[{"dst":"10.9.0.0/16"}]},"ip6":{"ip":"fd00::1/64"},"dns":{}}""",
            Compact(Write(result, "0.2.0")));
    }

    [Fact]
    public void A_route_without_an_address_of_its_family_is_lost_in_0_2_0()
    {
        AddResult result = new() { Ips = [Ip("10.0.0.1", 8)], Routes = [new ResultRoute(IPAddress.IPv6Any, 0)] };
        Assert.Equal("""{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.1/8"},"dns":{}}""", Compact(Write(result, "0.2.0")));
    }

    [Theory]
    [InlineData("", 6)]
    [InlineData("[]", 6)]
    [InlineData("""{"cniVersion":"7.0.0"}""", 1)]
    [InlineData("""{"cniVersion":1}""", 6)]
    [InlineData("""{"ips":{}}""", 6)]
    [InlineData("""{"ips":[null]}""", 6)]
    [InlineData("""{"ips":[{}]}""", 7)]
    [InlineData("""{"ips":[{"address":"10.0.0.1"}]}""", 7)]
    [InlineData("""{"ips":[{"address":"10.0.0.1/33"}]}""", 7)]
    [InlineData("""{"ips":[{"address":"10.0.0.1/24","gateway":"x"}]}""", 7)]
    [InlineData("""{"ips":[{"address":"10.0.0.1/24","interface":"0"}]}""", 6)]
    [InlineData("""{"routes":[{"gw":"10.0.0.1"}]}""", 7)]
    [InlineData("""{"interfaces":[{"mac":5}]}""", 6)]
    [InlineData("""{"dns":{"nameservers":"1.1.1.1"}}""", 6)]
    [InlineData("""{"cniVersion":"0.2.0","ip4":{"ip":"fd00::1/64"}}""", 7)]
    public void CF_11_bad_results_are_errors(string text, int code) =>
        Assert.Equal(code, (int)Assert.Throws<CniException>(() => Read(text, "1.1.0")).Code);

    [Fact]
    public void Nulls_and_empty_texts_in_a_result_are_absence()
    {
        AddResult result = Read(
            """{"interfaces":null,"ips":[{"address":"10.0.0.1/24","gateway":"","interface":null}],"routes":null,"dns":null}""", "1.0.0");
        Assert.Equal(new ResultIp(IPAddress.Parse("10.0.0.1"), 24), Assert.Single(result.Ips));
        Assert.True(result.Dns.IsEmpty);
    }

    [Theory]
    [InlineData("0.2.0")]
    [InlineData("0.4.0")]
    [InlineData("1.1.0")]
    public void Chosen_ports_pass_from_plugin_to_plugin(string version)
    {
        AddResult result = new()
        {
            Ips = [Ip("10.0.0.2", 24)],
            PublishedPorts = [new ResultPort(IPAddress.IPv6Loopback, 40000, IPAddress.Parse("fd00::2"), 80, "udp")],
        };

        Assert.Equal(result.PublishedPorts, Read(Write(result, version), version).PublishedPorts);
    }

    [Fact]
    public void Texts_are_escaped_as_go_escapes_them()
    {
        AddResult result = new() { Dns = new DnsSettings { Domain = "\"\\\b\f\n\r\t\u0001\u007f\u2028é\U0001F600\ud800/'+" } };
        Assert.Contains(
            "\"domain\": \"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\u007f\\u2028é\U0001F600\uFFFD/'+\"", Write(result, "1.1.0"), StringComparison.Ordinal);
    }

    private static int Family(string version) => version[0] == '1' ? 2 : version[2] >= '3' ? 1 : 0;

    private static ResultIp Ip(string address, int length) => new(IPAddress.Parse(address), length);

    private static AddResult Read(string text, string config) => ResultCodec.Read(Encoding.UTF8.GetBytes(text), CniVersion.Parse(config));

    private static string Write(AddResult result, string version) => Encoding.UTF8.GetString(ResultCodec.Write(result, CniVersion.Parse(version)));

    private static string Compact(string text) => text.Replace("\n", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);
}
