using System.Text.Json;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.RuntimeTests.Harness;

namespace CniPlugins.RuntimeTests;

/// <summary>
/// podman 4 with its CNI backend: it writes the lists itself (bridge, portmap, firewall, tuning), asks every plugin for its VERSION, and passes
/// addresses in CNI_ARGS or runtimeConfig.
/// </summary>
public sealed class PodmanTests : IDisposable
{
    private readonly PodmanHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("runc")]
    [InlineData("crun")]
    public void Two_containers_reach_each_other_and_the_outside(string runtime)
    {
        World before = _host.World();
        CreateNetwork();
        Podman(["--runtime", runtime, "run", "-d", "--name", "first", "--network", "net1", BoxImage.Name, .. BoxImage.Server("first")]);
        Podman("--runtime", runtime, "run", "-d", "--name", "second", "--network", "net1", "--cap-add", "NET_RAW", BoxImage.Name);
        (string V4, string V6) first = AddressesOf("first");
        Shell second = ShellOf("second");

        second.AssertReaches("first", first, AddressesOf("second"));
        second.AssertWayOut(_host.Lan);
        Podman("stop", "-t", "0", "first");
        Assert.False(second.Pings(first.V4));
        Podman("rm", "first");
        Podman("rm", "-f", "-t", "0", "second");
        Podman("network", "rm", "net1");
        _host.World().AssertEqual(before);
    }

    [Fact]
    public void Published_ports_follow_a_container_through_restart_and_kill()
    {
        World before = _host.World();
        CreateNetwork();
        Podman([
            "run", "-d", "--name", "web", "--network", "net1", "-p", "8080:80", "-p", "127.0.0.1:8081:80", "-p", $"{TestHost.Address4}:8082:80",
            BoxImage.Name, .. BoxImage.Server("web")]);
        AssertPublished();

        Podman("restart", "-t", "0", "web");
        AssertPublished();

        // Behind podman's back: its monitor sees the end, and cleans up.
        string process = Podman("inspect", "--format", "{{.State.Pid}}", "web").Output.Trim();
        _host.Run("/bin/kill", "-9", process);
        Wait.Until("podman has cleaned up", () => Podman("inspect", "--format", "{{.State.Status}}", "web").Output.Trim() == "exited");
        Wait.Until("the port is closed", () => RuntimeHost.Page(_host.Netns, "127.0.0.1", 8081).Length == 0);

        Podman("start", "web");
        AssertPublished();
        Podman("kill", "web");
        Podman("rm", "-f", "-t", "0", "web");
        Podman("network", "rm", "net1");
        _host.World().AssertEqual(before);
    }

    /// <summary>podman hands 0.0.0.0 on as no address at all: who publishes to everybody by it says so for the whole host.</summary>
    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("0.0.0.0", true)]
    public void Every_address_is_what_the_host_says_it_is(string defaultAddress, bool reached)
    {
        World before = _host.World();
        _host.WriteFile("/etc/cni/cni-plugins.json", $$$"""{"publish":{"defaultHostIP":"{{{defaultAddress}}}"}}""");
        CreateNetwork();
        Podman(["run", "-d", "--name", "web", "--network", "net1", "-p", "0.0.0.0:8080:80", BoxImage.Name, .. BoxImage.Server("web")]);

        Wait.Until("web serves", () => RuntimeHost.Page(_host.Netns, "127.0.0.1", 8080).Length > 0);
        Assert.Equal(reached ? $"web {TestHost.LanAddress4}" : "", RuntimeHost.Page(_host.Lan, TestHost.Address4, 8080));
        Podman("rm", "-f", "-t", "0", "web");
        Podman("network", "rm", "net1");
        _host.World().AssertEqual(before);
    }

    [Fact]
    public void An_address_and_a_link_layer_address_are_given()
    {
        World before = _host.World();
        CreateNetwork();
        Podman("run", "-d", "--name", "one", "--network", "net1", "--ip", "10.44.0.77", "--mac-address", "02:00:00:00:00:77", BoxImage.Name);
        Podman("run", "-d", "--name", "both", "--network", "net1", "--ip", "10.44.0.78", "--ip6", "fd00:44::78", BoxImage.Name);

        Assert.Equal("10.44.0.77", ShellOf("one").Address("inet"));
        Assert.Contains("02:00:00:00:00:77", ShellOf("one").Run("ip", "link", "show", "eth0"), StringComparison.Ordinal);
        Assert.Equal("10.44.0.78", ShellOf("both").Address("inet"));
        Assert.Equal("fd00:44::78", ShellOf("both").Address("inet6"));
        World running = _host.World();
        ToolResult taken = _host.TryRun("podman", "run", "-d", "--name", "third", "--network", "net1", "--ip", "10.44.0.77", BoxImage.Name);
        Assert.NotEqual(0, taken.ExitCode);
        Assert.Contains("10.44.0.77", taken.Error, StringComparison.Ordinal);
        Podman("rm", "-f", "third");
        _host.World().AssertEqual(running);

        Podman("rm", "-f", "-t", "0", "one", "both");
        Podman("network", "rm", "net1");
        _host.World().AssertEqual(before);
    }

    [Fact]
    public void Networks_are_connected_and_disconnected()
    {
        World before = _host.World();
        CreateNetwork();
        Podman("network", "create", "--internal", "--subnet", "10.45.0.0/24", "net2");
        Podman("network", "create", "--opt", "mtu=1400", "--subnet", "10.46.0.0/24", "net3");
        Podman("run", "-d", "--name", "first", "--network", "net1", "--cap-add", "NET_RAW", BoxImage.Name);
        Podman("run", "-d", "--name", "second", "--network", "net2", BoxImage.Name);
        World apart = _host.World();
        string second = ShellOf("second").Address("inet");

        Podman("network", "connect", "net2", "first");
        Podman("network", "connect", "net3", "first");
        Assert.StartsWith("10.45.0.", ShellOf("first").Address("inet", "eth1"), StringComparison.Ordinal);
        Assert.StartsWith("10.46.0.", ShellOf("first").Address("inet", "eth2"), StringComparison.Ordinal);
        Assert.Contains("mtu 1400", ShellOf("first").Run("ip", "link", "show", "eth2"), StringComparison.Ordinal);
        Assert.True(ShellOf("first").Pings(second));

        Podman("network", "disconnect", "net2", "first");
        Podman("network", "disconnect", "net3", "first");
        Assert.DoesNotContain("eth1", ShellOf("first").Run("ip", "link"), StringComparison.Ordinal);
        _host.World().AssertEqual(apart);

        Podman("rm", "-f", "-t", "0", "first", "second");
        Podman("network", "rm", "net1", "net2", "net3");
        _host.World().AssertEqual(before);
    }

    [Fact]
    public void A_pods_containers_share_what_is_published()
    {
        World before = _host.World();
        CreateNetwork();
        Podman("pod", "create", "--infra-image", BoxImage.Name, "--infra-command", "/bin/sleep 1000", "--name", "pod", "--network", "net1", "-p", "8081:80");
        Podman(["run", "-d", "--pod", "pod", "--name", "web", BoxImage.Name, .. BoxImage.Server("web")]);
        Podman("run", "-d", "--pod", "pod", "--name", "shell", BoxImage.Name);

        Wait.Until("the pod serves", () => RuntimeHost.Page(_host.Netns, "127.0.0.1", 8081).Length > 0);
        Assert.Equal("web 127.0.0.1", ShellOf("shell").Page("127.0.0.1"));
        Podman("pod", "rm", "-f", "-t", "0", "pod");
        Podman("network", "rm", "net1");
        _host.World().AssertEqual(before);
    }

    private void CreateNetwork()
    {
        Podman("network", "create", "--subnet", "10.44.0.0/24", "--subnet", "fd00:44::/64", "net1");
        JsonElement plugins = Json.Parse(File.ReadAllText(_host.Outside("/etc/cni/net.d/net1.conflist"))).GetProperty("plugins");
        Assert.Equal(["bridge", "portmap", "firewall", "tuning"], plugins.EnumerateArray().Select(static plugin => plugin.Text("type")!));
    }

    private void AssertPublished()
    {
        Wait.Until("web serves", () => RuntimeHost.Page(_host.Netns, "127.0.0.1", 8080).Length > 0);
        Assert.StartsWith("web ", RuntimeHost.Page(_host.Netns, "127.0.0.1", 8081), StringComparison.Ordinal);
        Assert.StartsWith("web ", RuntimeHost.Page(_host.Netns, TestHost.Address4, 8082), StringComparison.Ordinal);
        Assert.Equal("", RuntimeHost.Page(_host.Lan, TestHost.Address4, 8080));
        Assert.Equal("", RuntimeHost.Page(_host.Lan, TestHost.Address4, 8081));
        Assert.Equal($"web {TestHost.LanAddress4}", RuntimeHost.Page(_host.Lan, TestHost.Address4, 8082));
    }

    private ToolResult Podman(params string[] words) => _host.Run(["podman", .. words]);

    private (string V4, string V6) AddressesOf(string name) => (ShellOf(name).Address("inet"), ShellOf(name).Address("inet6"));

    private Shell ShellOf(string name) => new(words => _host.TryRun(["podman", "exec", name, .. words]));
}
