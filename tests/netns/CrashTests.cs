using System.Globalization;
using CniPlugins.Linux;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Publishing.Loopback;

namespace CniPlugins.NetnsTests;

/// <summary>An ADD killed at any system call of the kinds that change something: the next DEL, GC, or ADD and DEL make the world as before.</summary>
public sealed class CrashTests : IDisposable
{
    private const string Strace = "/usr/bin/strace";

    private readonly TestHost _host = TestHost.Create();
    private readonly CniOptions _options = BridgeNet.Ports(BridgeNet.Port(8080, 80), BridgeNet.Port(53, 53, "udp", "0.0.0.0"));

    public CrashTests()
    {
        BridgeNet.EnableForwarding(_host);
        _host.Netns.Ip("link add lan1 type veth peer name lan2");
    }

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("bridge", "sendto,sendmsg", "DEL")]
    [InlineData("bridge", "sendto,sendmsg", "GC")]
    [InlineData("bridge", "sendto,sendmsg", "ADD")]
    [InlineData("bridge", "openat,open", "DEL")]
    [InlineData("bridge", "write,pwrite64", "DEL")]
    [InlineData("bridge", "rename,renameat,renameat2,link,linkat", "ADD")]
    [InlineData("bridge", "rename,renameat,renameat2,link,linkat", "GC")]
    [InlineData("bridge", "rename,renameat,renameat2,link,linkat,mkdirat,unlinkat", "DEL")]
    [InlineData("ptp", "sendto,sendmsg", "DEL")]
    [InlineData("ptp", "sendto,sendmsg", "ADD")]
    [InlineData("macvlan", "sendto,sendmsg", "DEL")]
    [InlineData("macvlan", "sendto,sendmsg", "GC")]
    [InlineData("macvlan", "sendto,sendmsg", "ADD")]
    [InlineData("macvlan", "rename,renameat,renameat2,link,linkat,mkdirat,unlinkat", "DEL")]
    [InlineData("host-device", "sendto,sendmsg", "DEL")]
    [InlineData("host-device", "sendto,sendmsg", "ADD")]
    [InlineData("tap", "sendto,sendmsg,ioctl", "DEL")]
    public void An_add_killed_at_every_call(string type, string calls, string repair)
    {
        string network = Network(type);
        Assert.SkipUnless(File.Exists(Strace), "package strace is not installed");
        Container container = _host.Container("web");
        World before = BridgeNet.World(_host);
        int kills = 0;
        for (int n = 1; n <= 120; n++)
        {
            bool killed = Kill(container, "ADD", network, calls, n);
            kills += killed ? 1 : 0;
            switch (repair)
            {
                case "GC":
                    _host.Gc(type, network).RequireSuccess();
                    break;
                case "ADD" when killed:
                    // A runtime may try again, in the same namespace.
                    container.Add(type, network, _options);
                    container.Check(type, network, _options);
                    container.Delete(type, network);
                    break;
                default:
                    container.Delete(type, network, new CniOptions { NetnsPath = "", OmitPreviousResult = true });
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

    /// <summary>Between two of the programs that lead sockets, or between them and their entries.</summary>
    [Theory]
    [InlineData("ADD", "DEL")]
    [InlineData("ADD", "GC")]
    [InlineData("DEL", "DEL")]
    [InlineData("DEL", "GC")]
    public void Killed_at_every_call_of_bpf(string verb, string repair)
    {
        string network = Network("bridge");
        string path = Directory.CreateDirectory($"{TestCgroup.Path}/crash-{Guid.NewGuid():N}").FullName;
        _host.SetConfiguration($$$"""{"publish":{"cgroup":"{{{path}}}"}}""");
        using CgroupDirectory cgroup = CgroupDirectory.Open(path);
        Container container = _host.Container("web");
        World before = BridgeNet.World(_host);
        int kills = 0;
        for (int n = 1, killed = 1; killed == 1; n++)
        {
            if (verb == "DEL")
            {
                container.Add("bridge", network, _options);
            }

            killed = Kill(container, verb, network, "bpf", n) ? 1 : 0;
            kills += killed;
            if (repair == "GC")
            {
                _host.Gc("bridge", network).RequireSuccess();
            }
            else
            {
                container.Delete("bridge", network);
            }

            Assert.True(SocketHooks.Count(cgroup) == 0, $"killed at call {n}: {SocketHooks.Count(cgroup)} programs are left");
            BridgeNet.World(_host).AssertEqual(before);
        }

        Assert.True(kills >= 20, $"only {kills} kills");
        Directory.Delete(path);
    }

    [Theory]
    [InlineData("bridge", "sendto,sendmsg")]
    [InlineData("bridge", "rename,renameat,renameat2,unlink,unlinkat,pwrite64,write")]
    [InlineData("ptp", "sendto,sendmsg")]
    [InlineData("macvlan", "sendto,sendmsg")]
    [InlineData("host-device", "sendto,sendmsg")]
    public void A_del_killed_at_every_call_and_finished_by_the_next(string type, string calls)
    {
        string network = Network(type);
        Assert.SkipUnless(File.Exists(Strace), "package strace is not installed");
        Container container = _host.Container("web");
        World before = BridgeNet.World(_host);
        int kills = 0;
        for (int n = 1; n <= 120; n++)
        {
            container.Add(type, network, _options);
            bool killed = Kill(container, "DEL", network, calls, n);
            container.Delete(type, network, new CniOptions { NetnsPath = "", OmitPreviousResult = true });

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

    private static string Network(string type) => type switch
    {
        "bridge" => BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"macspoofchk":true,"isolation":"full"}"""),
        "ptp" => BridgeNet.With(BridgeNet.Of("10.1.0.0/24 fd00:1::/64"), """{"type":"ptp"}"""),
        "macvlan" => SubNet.Of("macvlan", """{"hostAccess":true,"detectDuplicates":false}""", "1.1.0", "net1", SubNet.Lan4, SubNet.Lan6),
        _ => SubNet.Of(type, """{"device":"lan1","detectDuplicates":false}"""),
    };

    /// <summary>Runs a verb that is killed when it is about to make the n-th of these calls; false when it made fewer.</summary>
    private bool Kill(Container container, string verb, string network, string calls, int n)
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
        string input = BridgeNet.With(network, $$"""{"runtimeConfig":{{_options.RuntimeConfig}}}""");
        ToolResult result = _host.Netns.TryExec(
            Strace,
            ["-qq", "-f", "-o", "/dev/null", "-e", $"trace={calls}", "-e", $"inject={arguments}", Path.Combine(_host.Binaries, Json.Object(network)["type"]!.GetValue<string>())],
            input,
            environment);
        Assert.True(result.ExitCode is 0 or 137, result.ToString());
        return result.ExitCode == 137;
    }
}
