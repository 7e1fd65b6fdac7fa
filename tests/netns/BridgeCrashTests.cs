using System.Globalization;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>An ADD killed at any system call of the kinds that change something: the next DEL, GC, or ADD and DEL make the world as before.</summary>
public sealed class BridgeCrashTests : IDisposable
{
    private const string Strace = "/usr/bin/strace";

    private readonly TestHost _host = TestHost.Create();
    private readonly string _network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"macspoofchk":true,"isolation":"full"}""");
    private readonly CniOptions _options = BridgeNet.Ports(BridgeNet.Port(8080, 80), BridgeNet.Port(53, 53, "udp", "0.0.0.0"));

    public BridgeCrashTests() => BridgeNet.EnableForwarding(_host);

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("sendto,sendmsg", "DEL")]
    [InlineData("sendto,sendmsg", "GC")]
    [InlineData("sendto,sendmsg", "ADD")]
    [InlineData("openat,open", "DEL")]
    [InlineData("write,pwrite64", "DEL")]
    [InlineData("rename,renameat,renameat2,link,linkat", "ADD")]
    [InlineData("rename,renameat,renameat2,link,linkat", "GC")]
    [InlineData("rename,renameat,renameat2,link,linkat,mkdirat,unlinkat", "DEL")]
    public void An_add_killed_at_every_call(string calls, string repair)
    {
        Assert.SkipUnless(File.Exists(Strace), "package strace is not installed");
        Container container = _host.Container("web");
        World before = BridgeNet.World(_host);
        int kills = 0;
        for (int n = 1; n <= 120; n++)
        {
            bool killed = Kill(container, "ADD", calls, n);
            kills += killed ? 1 : 0;
            switch (repair)
            {
                case "GC":
                    _host.Gc("bridge", _network).RequireSuccess();
                    break;
                case "ADD" when killed:
                    // A runtime may try again, in the same namespace.
                    container.Add("bridge", _network, _options);
                    container.Check("bridge", _network, _options);
                    container.Delete("bridge", _network);
                    break;
                default:
                    container.Delete("bridge", _network, new CniOptions { NetnsPath = "", OmitPreviousResult = true });
                    break;
            }

            string difference = BridgeNet.World(_host).Difference(before);
            Assert.True(difference.Length == 0, $"killed at {calls} number {n}, then {repair}: (- before, + now)\n{difference}");
            if (!killed)
            {
                break;
            }
        }

        Assert.True(kills >= 3, $"only {kills} kills");
    }

    [Theory]
    [InlineData("sendto,sendmsg")]
    [InlineData("rename,renameat,renameat2,unlink,unlinkat,pwrite64,write")]
    public void A_del_killed_at_every_call_and_finished_by_the_next(string calls)
    {
        Assert.SkipUnless(File.Exists(Strace), "package strace is not installed");
        Container container = _host.Container("web");
        World before = BridgeNet.World(_host);
        int kills = 0;
        for (int n = 1; n <= 120; n++)
        {
            container.Add("bridge", _network, _options);
            bool killed = Kill(container, "DEL", calls, n);
            container.Delete("bridge", _network, new CniOptions { NetnsPath = "", OmitPreviousResult = true });

            string difference = BridgeNet.World(_host).Difference(before);
            Assert.True(difference.Length == 0, $"killed at {calls} number {n}: (- before, + now)\n{difference}");
            if (!killed)
            {
                break;
            }

            kills++;
        }

        Assert.True(kills >= 3, $"only {kills} kills");
    }

    /// <summary>Runs a verb that is killed when it is about to make the n-th of these calls; false when it made fewer.</summary>
    private bool Kill(Container container, string verb, string calls, int n)
    {
        string arguments = string.Create(CultureInfo.InvariantCulture, $"{calls}:signal=SIGKILL:when={n}");
        Dictionary<string, string> environment = new()
        {
            ["CNI_COMMAND"] = verb,
            ["CNI_CONTAINERID"] = container.Id,
            ["CNI_NETNS"] = container.Netns.Path,
            ["CNI_IFNAME"] = "eth0",
            ["CNI_PATH"] = _host.Binaries,
            ["CNI_PLUGINS_CONFIG"] = _host.ConfigurationFile,
        };
        string input = BridgeNet.With(_network, $$"""{"runtimeConfig":{{_options.RuntimeConfig}}}""");
        ToolResult result = _host.Netns.TryExec(
            Strace,
            ["-qq", "-f", "-o", "/dev/null", "-e", $"trace={calls}", "-e", $"inject={arguments}", Path.Combine(_host.Binaries, "bridge")],
            input,
            environment);
        Assert.True(result.ExitCode is 0 or 137, result.ToString());
        return result.ExitCode == 137;
    }
}
