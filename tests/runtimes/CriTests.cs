using CniPlugins.NetnsTests.Harness;
using CniPlugins.RuntimeTests.Cri;
using CniPlugins.RuntimeTests.Harness;

namespace CniPlugins.RuntimeTests;

/// <summary>
/// containerd as Kubernetes uses it: the runtime interface's socket. loopback and the network are added at the same time, CNI_ARGS name the pod,
/// keys of runtimeConfig begin with capitals, DEL comes three times and in the end without a namespace.
/// </summary>
public sealed class CriTests : IDisposable
{
    private readonly ContainerdHost _host = new();
    private readonly CriClient _client;

    public CriTests() => _client = new CriClient(_host.Outside(ContainerdHost.Socket));

    public void Dispose()
    {
        _client.Dispose();
        _host.Dispose();
    }

    [Theory]
    [InlineData("bridge")]
    [InlineData("usual")]
    public void Two_pods_reach_each_other_and_the_outside(string chain)
    {
        SetNetwork(chain);
        World before = _host.World();
        Pod first = _client.RunPod("first");
        Pod second = _client.RunPod("second");
        _client.StartContainer(first, "web", BoxImage.Name, BoxImage.Server("first"));
        string container = _client.StartContainer(second, "shell", BoxImage.Name, "/bin/sleep", "1000");
        Shell shell = new(words => _client.Execute(container, words));

        Assert.True(shell.Pings("127.0.0.1"));
        shell.AssertReaches("first", Addresses(first), Addresses(second));
        shell.AssertWayOut(_host.Lan);

        End(first);
        End(second);
        _host.World().AssertEqual(before);
    }

    [Theory]
    [InlineData("bridge")]
    [InlineData("usual")]
    public void Published_ports_are_this_hosts_own_unless_an_address_is_named(string chain)
    {
        SetNetwork(chain);
        World before = _host.World();
        Pod pod = _client.RunPod(
            "web",
            new PortMapping { HostPort = 8080, ContainerPort = 80 },
            new PortMapping { HostPort = 8081, ContainerPort = 80, HostIp = "127.0.0.1" },
            new PortMapping { HostPort = 8082, ContainerPort = 80, HostIp = "0.0.0.0" });
        string web = _client.StartContainer(pod, "web", BoxImage.Name, BoxImage.Server("web"));
        Wait.Until("the pod serves", () => RuntimeHost.Page(_host.Netns, "127.0.0.1", 8080).Length > 0);

        AssertPublished();

        // The application is replaced, the pod and its network stay.
        _client.RemoveContainer(web);
        Assert.Equal("", RuntimeHost.Page(_host.Netns, "127.0.0.1", 8080));
        _client.StartContainer(pod, "web", BoxImage.Name, BoxImage.Server("web"));
        Wait.Until("the pod serves again", () => RuntimeHost.Page(_host.Netns, "127.0.0.1", 8080).Length > 0);
        AssertPublished();

        End(pod);
        _host.World().AssertEqual(before);
    }

    [Fact]
    public void A_pod_whose_processes_were_killed_goes_without_a_trace()
    {
        SetNetwork("usual");
        World before = _host.World();
        for (int round = 0; round < 2; round++)
        {
            Pod pod = _client.RunPod("web", new PortMapping { HostPort = 8080, ContainerPort = 80, HostIp = "0.0.0.0" });
            _client.StartContainer(pod, "web", BoxImage.Name, BoxImage.Server("web"));
            Wait.Until("the pod serves", () => RuntimeHost.Page(_host.Lan, TestHost.Address4, 8080).Length > 0);

            _host.Run("/bin/kill", "-9", _client.ProcessOf(pod).ToString(System.Globalization.CultureInfo.InvariantCulture));
            Wait.Until("containerd sees it", () => !_client.IsReady(pod));
            End(pod);
            _host.World().AssertEqual(before);
        }
    }

    [Fact]
    public void A_port_that_is_taken_fails_the_pod_and_leaves_the_others()
    {
        SetNetwork("usual");
        World before = _host.World();
        PortMapping port = new() { HostPort = 8080, ContainerPort = 80 };
        Pod pod = _client.RunPod("web", port);
        _client.StartContainer(pod, "web", BoxImage.Name, BoxImage.Server("web"));
        Wait.Until("the pod serves", () => RuntimeHost.Page(_host.Netns, "127.0.0.1", 8080).Length > 0);
        World published = _host.World();

        Grpc.Core.RpcException refused = Assert.Throws<Grpc.Core.RpcException>(() => _client.RunPod("other", port));
        Assert.Contains("8080", refused.Status.Detail, StringComparison.Ordinal);
        _host.World().AssertEqual(published);
        Assert.StartsWith("web ", RuntimeHost.Page(_host.Netns, "127.0.0.1", 8080), StringComparison.Ordinal);

        End(pod);
        _host.World().AssertEqual(before);
    }

    private void AssertPublished()
    {
        foreach (int port in new[] { 8080, 8081, 8082 })
        {
            Assert.StartsWith("web ", RuntimeHost.Page(_host.Netns, "127.0.0.1", port), StringComparison.Ordinal);
        }

        Assert.Equal("", RuntimeHost.Page(_host.Lan, TestHost.Address4, 8080));
        Assert.Equal("", RuntimeHost.Page(_host.Lan, TestHost.Address4, 8081));
        Assert.Equal($"web {TestHost.LanAddress4}", RuntimeHost.Page(_host.Lan, TestHost.Address4, 8082));
    }

    private void SetNetwork(string chain)
    {
        _host.SetNetwork(Chains.Named(chain));
        Wait.Until("containerd has read the network", _client.IsNetworkReady);
    }

    /// <summary>As a kubelet does: stopped more than once.</summary>
    private void End(Pod pod)
    {
        _client.StopPod(pod);
        _client.StopPod(pod);
        _client.RemovePod(pod);
    }

    private (string V4, string V6) Addresses(Pod pod)
    {
        IReadOnlyList<string> all = _client.Addresses(pod);
        return (all.Single(static each => each.Contains('.', StringComparison.Ordinal)), all.Single(static each => each.Contains(':', StringComparison.Ordinal)));
    }
}
