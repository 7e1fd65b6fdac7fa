using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Configurations that look reasonable and would do harm: refused before anything is made.</summary>
public sealed class MisuseTests : IDisposable
{
    private const string Network = """{"cniVersion":"1.1.0","name":"net1","type":"bridge","bridge":"br1","isGateway":true,"ipMasq":true,"ipam":{"type":"host-local","subnet":"10.1.0.0/24"}}""";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public MisuseTests() => _container = _host.Container("c1");

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("""{"ipam":{"type":"bridge"}}""", "ipam.type")]
    [InlineData("""{"ipam":{"type":"none"}}""", "ipam.type")]
    [InlineData("""{"bridge":"br%d"}""", "%")]
    [InlineData("""{"ipam":{"type":"host-local","subnet":"10.1.0.0/24","dataDir":"leases/here"}}""", "dataDir")]
    public void What_would_do_harm_is_refused(string extra, string named)
    {
        World before = World.Of(_host);

        string message = _container.TryAdd("bridge", BridgeNet.With(Network, extra)).RequireError(7).Message;

        Assert.Contains(named, message, StringComparison.Ordinal);
        AssertNothingMade(before);
    }

    [Theory]
    [InlineData(241)]
    [InlineData(255)]
    [InlineData(3000)]
    public void A_network_name_that_is_no_file_name_is_refused(int length)
    {
        World before = World.Of(_host);
        string configuration = BridgeNet.With(Network, $$"""{"name":"{{new string('n', length)}}"}""");

        _container.TryAdd("bridge", configuration).RequireError(7);

        World.Of(_host).AssertEqual(before);
    }

    [Fact]
    public void An_interface_name_that_the_kernel_would_fill_in_is_refused()
    {
        World before = World.Of(_host);
        _container.TryAdd("bridge", Network, new CniOptions { InterfaceName = "eth%d" }).RequireError(4);
        World.Of(_host).AssertEqual(before);
    }

    [Theory]
    [InlineData("""{"isolation":"ful"}""")]
    [InlineData("""{"publish":{"defaultHostIP":"localhost"}}""")]
    [InlineData("""{"addressPools":[{"base":"x"}]}""")]
    public void A_mistake_in_the_hosts_settings_stops_ADD_and_not_DEL(string settings)
    {
        _container.Add("bridge", Network);
        _host.SetConfiguration(settings);

        _host.Container("c2").TryAdd("bridge", Network).RequireError(7);
        CniCall delete = _container.Delete("bridge", Network);

        Assert.Contains("cni-plugins.json", delete.Tool.Error, StringComparison.Ordinal);
        Assert.Null(BridgeNet.FindLink(_host.Netns, "br1"));
    }

    [Fact]
    public void A_record_that_names_anothers_elements_does_them_no_harm()
    {
        _container.Add("bridge", Network);
        string directory = Path.Combine(_host.StateDirectory, "attachments/net1");
        string record = File.ReadAllText(Path.Combine(directory, $"{_container.Id}:eth0.json"));
        Container other = _host.Container("c2");
        File.WriteAllText(Path.Combine(directory, $"{other.Id}:eth0.json"), record.Replace($"\"containerId\": \"{_container.Id}\"", $"\"containerId\": \"{other.Id}\"", StringComparison.Ordinal));
        Assert.DoesNotContain($"\"containerId\": \"{_container.Id}\"", File.ReadAllText(Path.Combine(directory, $"{other.Id}:eth0.json")), StringComparison.Ordinal);

        other.Delete("bridge", Network);

        Assert.Single(BridgeNet.Elements(_host, "masqueraded4"));
        _container.Check("bridge", Network);
    }

    // The state directory is made by the first call that gets so far; nothing is in it.
    private void AssertNothingMade(World before) =>
        World.Of(_host).Except("run/cni-plugins/").AssertEqual(before.Except("run/cni-plugins/"));
}
