using System.Net;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Publishing;
using CniPlugins.Publishing.Loopback;

namespace CniPlugins.NetnsTests;

/// <summary>What is too much, or of another kind than it should be: a clear error, and nothing made.</summary>
public sealed class LimitTests : IDisposable
{
    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public LimitTests()
    {
        _container = _host.Container("web");
        BridgeNet.EnableForwarding(_host);
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void When_no_port_on_a_loopback_address_fits_any_more_it_is_said()
    {
        string path = Directory.CreateDirectory($"{TestCgroup.Path}/full-{Guid.NewGuid():N}").FullName;
        _host.SetConfiguration($$$"""{"publish":{"cgroup":"{{{path}}}"}}""");
        PublishedPort[] ports =
        [
            .. Enumerable.Range(0, 1 << 18).Select(static i => new PublishedPort(
                new IPAddress([127, 1, 0, (byte)(i >> 16)]), (ushort)(i & 0xffff), PortProtocol.Tcp, IPAddress.Parse("10.1.0.9"), 80)),
        ];
        using LoopbackPorts loopback = _host.Netns.Run(() => LoopbackPorts.Open(path));
        loopback.Add(ports, "other");
        World before = BridgeNet.World(_host);

        CniCall add = _container.TryAdd("bridge", BridgeNet.Of(), BridgeNet.Ports(BridgeNet.Port(8080, 80))).RequireError(11);

        Assert.Contains("no room", add.Message, StringComparison.Ordinal);
        BridgeNet.World(_host).AssertEqual(before);
        loopback.Remove(ports, "other");
        _container.Add("bridge", BridgeNet.Of(), BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        _container.Delete("bridge", BridgeNet.Of());
        Directory.Delete(path);
    }

    [Fact]
    public void A_namespace_of_another_kind_is_none()
    {
        CniOptions options = new() { NetnsPath = "/proc/self/ns/mnt" };

        _container.TryAdd("bridge", BridgeNet.Of(), options).RequireError(8);
        _container.Delete("bridge", BridgeNet.Of(), options);
    }

    [Fact]
    public void An_allow_list_has_a_thousand_entries_at_most()
    {
        string Port(int count) =>
            $$"""{"hostPort":8080,"containerPort":80,"hostIP":"0.0.0.0","allow":[{{string.Join(',', Enumerable.Range(0, count).Select(static i => $"\"10.9.{i / 200}.{i % 200}\""))}}]}""";

        _container.TryAdd("bridge", BridgeNet.Of(), BridgeNet.Ports(Port(1001))).RequireError(7);
        _container.Add("bridge", BridgeNet.Of(), BridgeNet.Ports(Port(1000)));
        _container.Delete("bridge", BridgeNet.Of());
    }

    [Fact]
    public void What_a_state_file_is_called_does_nothing_to_a_terminal()
    {
        _container.Add("bridge", BridgeNet.Of());
        File.WriteAllText(Path.Combine(_host.StateDirectory, "attachments/net1/\u001b[31mred:eth0.json"), "{");

        ToolResult result = Reconcile.Run(_host);

        Assert.Contains("red", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", result.Error, StringComparison.Ordinal);
    }
}
