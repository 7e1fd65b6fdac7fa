using CniPlugins.NetnsTests.Harness;
using CniPlugins.RuntimeTests.Harness;

namespace CniPlugins.RuntimeTests;

/// <summary>containerd by its own command, <c>ctr run --cni</c>: CNI_NETNS is /proc/PID/ns/net in ADD, and DEL comes without a namespace.</summary>
public sealed class ContainerdTests : IDisposable
{
    private readonly ContainerdHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("bridge")]
    [InlineData("usual")]
    public void Two_containers_reach_each_other_and_the_outside(string chain)
    {
        _host.SetNetwork(Chains.Named(chain));
        World before = _host.World();
        StartContainer("first");
        StartContainer("second");
        Shell second = ShellOf("second");

        second.AssertReaches("first", AddressesOf("first"), AddressesOf("second"));
        second.AssertWayOut(_host.Lan);
        Stop("first");
        Assert.True(second.Pings(ContainerdHost.Gateway4));
        Stop("second");
        _host.World().AssertEqual(before);
    }

    [Fact]
    public void A_name_is_free_again_after_the_containers_process_was_killed()
    {
        _host.SetNetwork(Chains.Usual);
        World before = _host.World();
        for (int round = 0; round < 3; round++)
        {
            StartContainer("first");
            Assert.Equal($"first {ContainerdHost.Gateway4}", RuntimeHost.Page(_host.Netns, AddressesOf("first").V4, 80));

            // Behind the runtime's back.
            string id = _host.Run("ctr", "task", "ls").Output.Split('\n').Single(static line => line.StartsWith("first ", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
            _host.Run("/bin/kill", "-9", id);
            WaitForEnd("first");
        }

        _host.World().AssertEqual(before);
    }

    /// <summary>ctr asks for DEL only if it lives to see the end.</summary>
    [Fact]
    public void A_container_whose_client_was_killed_leaves_nothing_once_its_name_was_used_again()
    {
        _host.SetNetwork(Chains.Usual);
        World before = _host.World();
        StartContainer("first");
        _host.Run("/usr/bin/pkill", "-9", "-x", "ctr");   // in this host's processes alone
        _host.Run("ctr", "task", "rm", "--force", "first");
        _host.Run("ctr", "container", "rm", "first");
        Assert.NotEqual("", _host.World().Difference(before));

        StartContainer("first");
        Assert.Equal($"first {ContainerdHost.Gateway4}", RuntimeHost.Page(_host.Netns, AddressesOf("first").V4, 80));
        Stop("first");
        _host.World().AssertEqual(before);
    }

    /// <summary>In the foreground, as only then ctr removes the network.</summary>
    private void StartContainer(string name)
    {
        _host.Start(name, ["ctr", "run", "--rm", "--cni", BoxImage.Name, name, .. BoxImage.Server(name)]);
        Wait.Until($"{name} serves", () => ShellOf(name).Page("127.0.0.1").Length > 0);
    }

    private void Stop(string name)
    {
        _host.Run("ctr", "task", "kill", "-s", "KILL", name);
        WaitForEnd(name);
    }

    private void WaitForEnd(string name)
    {
        Wait.Until($"{name}'s client ends", () => _host.TryRun("/usr/bin/pgrep", "-f", $"^ctr run .* {name} ").ExitCode != 0);
        Assert.DoesNotContain("error", _host.Log(name), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(name, _host.Run("ctr", "container", "ls", "-q").Output, StringComparison.Ordinal);
    }

    private (string V4, string V6) AddressesOf(string name) => (ShellOf(name).Address("inet"), ShellOf(name).Address("inet6"));

    private Shell ShellOf(string name) => new(words => _host.TryRun(["ctr", "task", "exec", "--exec-id", "x", name, .. words]));
}
