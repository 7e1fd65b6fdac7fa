using System.Text.Json.Nodes;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>GC of <c>host-local</c>: what no valid attachment of the network owns is given back, and nothing else.</summary>
public sealed class HostLocalGcTests : IDisposable
{
    private const string Network = """{"cniVersion":"1.1.0","name":"net","type":"any","ipam":{"type":"host-local","subnet":"10.1.2.0/24"} }""";

    private readonly TestHost _host = TestHost.Create();

    public HostLocalGcTests()
    {
        Directory.CreateDirectory(Leases);
        Directory.CreateDirectory(_host.DataDirectory + "/other");
        foreach ((string file, string owner) in new[]
        {
            ("net/10.1.2.2", "a\r\neth0"), ("net/10.1.2.3", "a\r\neth1"), ("net/10.1.2.4", "b\r\neth0"), ("net/10.1.2.5", "b"), ("net/10.1.2.6", "c"),
            ("net/10.1.2.7", ""), ("other/10.1.2.2", "c\r\neth0"), ("net/readme", "a\r\neth0"),
        })
        {
            File.WriteAllText(Path.Combine(_host.DataDirectory, file), owner);
        }
    }

    private string Leases => Path.Combine(_host.DataDirectory, "net");

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("cni.dev/valid-attachments")]
    [InlineData("cni.dev/attachments")]
    [InlineData("cni.dev/valid-attachments", "cni.dev/attachments")]
    public void What_either_key_names_is_spared(params string[] keys)
    {
        const string Valid = """[{"containerID":"a","ifname":"eth1"},{"containerID":"b","ifname":"eth0"}]""";

        Collect(keys.Select(static key => (key, Valid)));

        // The empty file is of a writer that died: its address is nobody's, and free at the next call.
        // b's lease of the oldest form names no interface: it is valid as long as its container is.
        Assert.Equal(["10.1.2.3", "10.1.2.4", "10.1.2.5", "readme"], List());
        Assert.True(File.Exists(_host.DataDirectory + "/other/10.1.2.2"));
    }

    [Fact]
    public void The_two_keys_are_united()
    {
        Collect([
            ("cni.dev/valid-attachments", """[{"containerID":"a","ifname":"eth0"}]"""),
            ("cni.dev/attachments", """[{"containerID":"a","ifname":"eth1"}]""")]);

        Assert.Equal(["10.1.2.2", "10.1.2.3", "readme"], List());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("null")]
    [InlineData("[]")]
    public void Absent_null_and_empty_mean_that_nothing_is_valid(string? value)
    {
        Collect(value is null ? [] : new[] { "cni.dev/valid-attachments", "cni.dev/attachments" }.Select(key => (key, value)));

        Assert.Equal(["readme"], List());
    }

    [Fact]
    public void A_list_that_is_wrong_frees_nothing()
    {
        foreach ((string value, int code) in new[]
        {
            ("""[{"containerID":"a"}]""", 7), ("""["a"]""", 6), ("""{"containerID":"a","ifname":"eth0"}""", 6), ("""[{"containerID":"../a","ifname":"eth0"}]""", 7),
        })
        {
            Call([("cni.dev/valid-attachments", value)], Network).RequireError(code);
        }

        Assert.Equal(8 - 1, List().Length);
    }

    [Fact]
    public void Neither_valid_ranges_nor_any_lease_are_needed()
    {
        Call([], Network.Replace("10.1.2.0/24", "nonsense", StringComparison.Ordinal)).RequireSuccess();
        Assert.Equal(["readme"], List());

        Call([], Network.Replace("\"net\"", "\"never-used\"", StringComparison.Ordinal)).RequireSuccess();
        Assert.False(Directory.Exists(_host.DataDirectory + "/never-used"));
    }

    [Fact]
    public void What_was_freed_is_given_out_again()
    {
        using Container container = _host.Container("web");
        string full = Network.Replace("10.1.2.0/24", "10.1.2.0/29", StringComparison.Ordinal);   // .2 to .6
        container.TryAdd("host-local", full).RequireError(11);

        Call([], full).RequireSuccess();

        Assert.StartsWith("10.1.2.", container.Add("host-local", full).Address(), StringComparison.Ordinal);
    }

    private void Collect(IEnumerable<(string Key, string Value)> lists) => Assert.Equal("", Call(lists, Network).RequireSuccess().Tool.Output);

    private CniCall Call(IEnumerable<(string Key, string Value)> lists, string network)
    {
        JsonObject sent = Json.Object(network);
        foreach ((string key, string value) in lists)
        {
            sent[key] = JsonNode.Parse(value);
        }

        return _host.Call("GC", "host-local", sent.ToJsonString(), new Dictionary<string, string>());
    }

    private string[] List() => [.. Directory.EnumerateFiles(Leases).Select(Path.GetFileName).OfType<string>()
        .Where(static name => name != "lock").Order(StringComparer.Ordinal)];
}
