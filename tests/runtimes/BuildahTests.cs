using CniPlugins.NetnsTests.Harness;
using CniPlugins.RuntimeTests.Harness;

namespace CniPlugins.RuntimeTests;

/// <summary>buildah: every <c>run</c> is an attachment of its own; CNI_NETNS is /proc/PID/fd/9.</summary>
public sealed class BuildahTests : IDisposable
{
    private readonly PodmanHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("bridge")]
    [InlineData("usual")]
    public void Two_steps_reach_each_other_and_the_outside(string chain)
    {
        _host.SetNetwork(Chains.Named(chain));
        World before = _host.World();
        _host.Run("buildah", "from", "--pull-never", "--name", "first", BoxImage.Name);
        _host.Run("buildah", "from", "--pull-never", "--name", "second", BoxImage.Name);

        // One step that goes on until it is told to end, and shows its addresses.
        string[] server = BoxImage.Server("first");
        _host.Start("step", "buildah", "run", "--network", "box", "first", "--", server[0], server[1], $"{string.Join(' ', BoxImage.AddressCommand)}; {server[2]}");
        Wait.Until("the step shows its addresses", () => _host.Log("step").Contains("inet6", StringComparison.Ordinal));
        (string V4, string V6) first = (BoxImage.Address(_host.Log("step"), "inet"), BoxImage.Address(_host.Log("step"), "inet6"));

        // Every command is a step with addresses of its own, one after the other out of the range.
        Shell second = new(words => _host.TryRun(["buildah", "run", "--network", "box", "--cap-add", "CAP_NET_RAW", "second", "--", .. words]));
        Assert.True(second.Pings(first.V4));
        Assert.True(second.Pings(first.V6));
        Wait.Until("the step serves", () => second.Page(first.V4).Length > 0);
        Assert.StartsWith("first 10.88.", second.Page(first.V4), StringComparison.Ordinal);
        Assert.StartsWith("first fd00:88:", second.Page(first.V6), StringComparison.Ordinal);
        second.AssertWayOut(_host.Lan);

        _host.Run("/usr/bin/pkill", "-9", "-x", "httpd");   // in this host's processes alone
        Wait.Until("the step's client ends", () => _host.TryRun("/usr/bin/pgrep", "-x", "buildah").ExitCode != 0);
        _host.Run("buildah", "rm", "first", "second");
        _host.World().AssertEqual(before);
    }

    /// <summary>Each step of a build has its network, and gives it back.</summary>
    [Fact]
    public void A_build_reaches_the_outside()
    {
        _host.SetNetwork(Chains.Usual);
        World before = _host.World();
        using TcpEcho server4 = new(_host.Lan, 8000);
        using TcpEcho server6 = new(_host.Lan, 8000, "::");
        string folder = Directory.CreateDirectory(Path.Combine(_host.Root, "context")).FullName;
        File.WriteAllText(
            Path.Combine(folder, "Containerfile"),
            $"FROM {BoxImage.Name}\nRUN nc -w 2 {TestHost.LanAddress4} 8000 >/tmp/seen\nRUN nc -w 2 {TestHost.LanAddress6} 8000 >>/tmp/seen\nRUN cat /tmp/seen\n");

        ToolResult build = _host.Run("buildah", "bud", "--pull-never", "--network", "box", "--layers=false", "-t", "localhost/built", folder);

        Assert.Contains($"lan {TestHost.Address4}\nlan {TestHost.Address6}\n", build.Output, StringComparison.Ordinal);
        _host.World().AssertEqual(before);
    }
}
