using System.Text.Json;
using System.Text.Json.Nodes;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The result in every version, routes as the result says them, and address management by somebody else's executable.</summary>
public sealed class BridgeResultTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly CniOptions _withForeign;

    public BridgeResultTests()
    {
        BridgeNet.EnableForwarding(_host);
        _container = _host.Container("web");
        _withForeign = new CniOptions { Environment = new Dictionary<string, string> { ["CNI_PATH"] = $"{Binaries}:{_host.Binaries}" } };
    }

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(Versions.OfReference), MemberType = typeof(Versions))]
    public void The_result_is_the_references(string version)
    {
        Reference.Require();
        foreach (string network in new[]
        {
            BridgeNet.Of("10.1.0.0/24", version: version),
            BridgeNet.Of("fd00:1::/64", version: version),
            BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"dns":{"nameservers":["192.0.2.53"],"domain":"a.example","search":["b.example"],"options":["ndots:2"]}}""", version),
        })
        {
            using TestHost theirHost = TestHost.Create(TestHost.ReferenceBinaries);
            using TestHost ourHost = TestHost.Create();

            JsonObject theirs = DefaultsTests.Masked(theirHost.Container("web").Add("bridge", network));
            JsonObject ours = DefaultsTests.Masked(ourHost.Container("web").Add("bridge", network));

            Assert.True(JsonNode.DeepEquals(theirs, ours), $"reference:\n{theirs}\nours:\n{ours}");
        }
    }

    [Theory]
    [InlineData("""{}""", "192.0.2.77")]
    [InlineData("""{"dns":{}}""", "192.0.2.77")]
    [InlineData("""{"dns":{"search":["a.example"]}}""", "a.example")]
    public void W26_names_come_from_address_management_unless_the_network_says_any(string extra, string expected)
    {
        string file = Path.Combine(_host.Root, "resolv.conf");
        File.WriteAllText(file, "nameserver 192.0.2.77\n");
        string network = BridgeNet.Of(
            extra: BridgeNet.With(extra, $$$"""{"ipam":{"type":"host-local","subnet":"10.1.0.0/24","resolvConf":"{{{file}}}"}}"""));

        string dns = _container.Add("bridge", network).Result.GetProperty("dns").GetRawText();

        Assert.Contains(expected, dns, StringComparison.Ordinal);
        Assert.Equal(expected == "192.0.2.77", dns.Contains("192.0.2.77", StringComparison.Ordinal));
    }

    [Fact]
    public void W24_route_attributes_are_applied()
    {
        Script("""
            echo '{"cniVersion":"1.1.0","ips":[{"address":"10.1.0.9/24","gateway":"10.1.0.1"}],"routes":[
             {"dst":"10.7.0.0/16","mtu":1300,"advmss":1200,"priority":77},{"dst":"10.8.0.0/16","gw":"10.1.0.8","table":99},
             {"dst":"10.9.0.0/16","scope":253},{"dst":"10.6.0.0/16","gw":"0.0.0.0"}]}'
            """);

        CniCall add = _container.Add("bridge", Foreign(), _withForeign);

        JsonElement first = Route("10.7.0.0/16", "main");
        Assert.Equal(("10.1.0.1", "77"), (first.Text("gateway"), first.Text("metric")));
        Assert.Contains("\"mtu\":1300", first.GetRawText(), StringComparison.Ordinal);
        Assert.Contains("\"advmss\":1200", first.GetRawText(), StringComparison.Ordinal);
        Assert.Equal("10.1.0.8", Route("10.8.0.0/16", "99").Text("gateway"));
        Assert.Equal((null, "link"), (Route("10.9.0.0/16", "main").Text("gateway"), Route("10.9.0.0/16", "main").Text("scope")));
        Assert.Null(Route("10.6.0.0/16", "main").Text("gateway"));
        Assert.Equal("77", add.Result.GetProperty("routes")[0].Text("priority"));
        _container.Check("bridge", Foreign(), _withForeign);
        _container.Delete("bridge", Foreign(), _withForeign);
    }

    [Fact]
    public void Another_address_manager_is_asked_for_every_verb()
    {
        World before = BridgeNet.World(_host);
        Script("""echo '{"cniVersion":"1.1.0","ips":[{"address":"10.1.0.9/24","gateway":"10.1.0.1"}],"dns":{"nameservers":["10.1.0.1"]}}'""");

        CniCall add = _container.Add("bridge", Foreign(), _withForeign);
        _container.Check("bridge", Foreign(), _withForeign);
        _container.Delete("bridge", Foreign(), _withForeign);
        Dictionary<string, string> path = new() { ["CNI_PATH"] = $"{Binaries}:{_host.Binaries}" };
        _host.Call("GC", "bridge", Foreign(), path).RequireSuccess();
        _host.Call("STATUS", "bridge", Foreign(), path).RequireSuccess();

        Assert.Equal(["10.1.0.9/24"], add.Addresses);
        Assert.Equal("ADD CHECK DEL GC STATUS", Verbs());
        Ended(before);
    }

    [Theory]
    [InlineData("""echo '{"code":11,"msg":"no address today","details":"try later"}'; exit 1""", 11, "no address today")]
    [InlineData("echo nonsense; exit 1", 0, "")]
    [InlineData("echo nonsense", 0, "")]
    [InlineData("exit 3", 0, "")]
    [InlineData("""echo '{"cniVersion":"1.1.0"}'""", 0, "no address")]
    [InlineData("""echo '{"cniVersion":"9.9.9","ips":[]}'""", 0, "")]
    [InlineData("""echo '{"cniVersion":"1.1.0","ips":[{"address":"10.1.0.999/24"}]}'""", 0, "")]
    [InlineData("kill -9 $$", 0, "")]
    [InlineData("""exec < /dev/null; echo '{"cniVersion":"1.1.0","ips":[{"address":"10.1.0.9/24"}],"routes":[{"dst":"10.7.0.0/16","gw":"10.77.0.1"}]}'""", 0, "10.7.0.0/16")]
    public void W6_when_it_or_a_later_step_fails_it_is_asked_to_release(string script, int code, string named)
    {
        World before = BridgeNet.World(_host);
        Script(script);

        CniCall add = _container.TryAdd("bridge", Foreign(), _withForeign);

        Assert.False(add.Succeeded, add.ToString());
        Assert.True(code == 0 || code == add.ErrorCode, add.ToString());
        Assert.Contains(named, add.Message + add.Details, StringComparison.Ordinal);
        Assert.StartsWith("ADD DEL", Verbs(), StringComparison.Ordinal);
        Ended(before);
    }

    [Fact]
    public void An_address_manager_that_is_not_there_is_named()
    {
        World before = BridgeNet.World(_host);
        CniCall add = _container.TryAdd("bridge", BridgeNet.Of(extra: """{"ipam":{"type":"nowhere"}}"""));

        Assert.False(add.Succeeded);
        Assert.Contains("nowhere", add.Message, StringComparison.Ordinal);

        // Nobody can be asked to release what it may have given, so the record stays until a DEL that knows whom to ask.
        _container.Delete("bridge", BridgeNet.Of());
        BridgeNet.World(_host).AssertEqual(before);
    }

    private string Binaries => Directory.CreateDirectory(Path.Combine(_host.Root, "bin")).FullName;

    private string Foreign() => BridgeNet.Of(extra: """{"isDefaultGateway":false,"isGateway":true,"ipam":{"type":"foreign"}}""");

    /// <summary>An executable "foreign" that notes each verb, reads its input, and does this on ADD.</summary>
    private void Script(string add)
    {
        string path = Path.Combine(Binaries, "foreign");
        File.WriteAllText(
            path,
            $"#!/bin/sh\necho $CNI_COMMAND >> {_host.Root}/verbs\ncat > /dev/null\n[ $CNI_COMMAND = ADD ] || exit 0\n{add}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private string Verbs() => string.Join(' ', File.ReadAllLines(Path.Combine(_host.Root, "verbs")));

    private JsonElement Route(string destination, string table) => _container.Netns.Ip($"-j -4 route show table {table}").EnumerateArray()
        .Single(route => route.Text("dst") == destination);

    private void Ended(World before) =>
        BridgeNet.World(_host).Except("[files] bin/", "[files] verbs").AssertEqual(before.Except("[files] bin/", "[files] verbs"));
}
