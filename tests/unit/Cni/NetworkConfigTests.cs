using System.Text;
using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

public sealed class NetworkConfigTests
{
    [Fact]
    public void The_keys_of_the_specification_are_read_in_any_case()
    {
        NetworkConfig config = Parse("""
            {
              "CNIVersion": "1.0.0", "NAME": "web", "Type": "bridge", "unknown": {"x": [1]}, "capabilities": {"portMappings": true},
              "ipam": {"type": "host-local"}, "RuntimeConfig": {"PortMappings": []}, "args": {"CNI": {"mac": "02:00:00:00:00:01"}},
              "dns": {"nameservers": ["1.1.1.1"], "domain": "", "options": null}
            }
            """);
        Assert.Equal(new CniVersion(1, 0, 0), config.Version);
        Assert.Equal("web", config.Name);
        Assert.Equal("bridge", config.Type);
        Assert.Equal("host-local", config.Ipam!.FindString("type"));
        Assert.True(config.RuntimeConfig!.Has("portMappings"));
        Assert.Equal("02:00:00:00:00:01", config.ArgsCni!.FindString("mac"));
        Assert.Equal(["1.1.1.1"], config.Dns!.Nameservers);
        Assert.Null(config.Dns.Domain);
        Assert.Null(config.PrevResult);
    }

    [Fact]
    public void What_is_absent_is_null_and_what_is_empty_is_empty()
    {
        NetworkConfig bare = Parse("""{"name":"n"}""");
        Assert.Equal(CniVersion.Oldest, bare.Version);
        Assert.Equal("", bare.Type);
        Assert.True(bare is { Ipam: null, RuntimeConfig: null, ArgsCni: null, Dns: null, PrevResult: null });
        NetworkConfig empty = Parse("""{"name":"n","ipam":{},"dns":{},"args":{},"prevResult":{},"runtimeConfig":null}""");
        Assert.NotNull(empty.Ipam);
        Assert.True(empty.Dns!.IsEmpty);
        Assert.NotNull(empty.PrevResult);
        Assert.True(empty is { RuntimeConfig: null, ArgsCni: null });
    }

    [Theory]
    [InlineData("""{"name":"n","type":5}""", "type: expected a string, found a number")]
    [InlineData("""{"name":"n","ipam":[]}""", "ipam: expected an object, found an array")]
    [InlineData("""{"name":"n","dns":{"search":[1]}}""", "dns.search[0]: expected a string, found a number")]
    [InlineData("""{"name":"n","args":{"cni":true}}""", "args.cni: expected an object, found a boolean")]
    [InlineData("""{"name":"n","prevResult":"x"}""", "prevResult: expected an object, found a string")]
    [InlineData("""{"name":"n","prevResult":{"ip4":{"ip":7}}}""", "prevResult.ip4.ip: expected a string, found a number")]
    public void A_wrong_type_is_6_and_names_the_path(string text, string message)
    {
        CniException e = Assert.Throws<CniException>(() => Parse(text));
        Assert.Equal((CniErrorCode.DecodingFailure, message), (e.Code, e.Message));
    }

    private static NetworkConfig Parse(string text) => NetworkConfig.Parse(Encoding.UTF8.GetBytes(text));
}
