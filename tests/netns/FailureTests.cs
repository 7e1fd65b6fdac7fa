using System.Text;
using System.Text.Json;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Netlink;
using CniPlugins.Plugins.Bridge;
using CniPlugins.Plugins.HostDevice;
using CniPlugins.Plugins.Macvlan;
using CniPlugins.Plugins.Portmap;
using CniPlugins.Plugins.Ptp;
using CniPlugins.Plugins.Tap;

namespace CniPlugins.NetnsTests;

/// <summary>Each request of an ADD to the kernel fails once: ADD says so, and nothing is left of it.</summary>
public sealed class FailureTests
{
    private const string Everything = """
        {"cniVersion":"1.1.0","name":"net1","type":"bridge","bridge":"br1","isDefaultGateway":true,"ipMasq":true,"isolation":"full","macspoofchk":true,
         "portIsolation":true,"mtu":1400,
         "ipam":{"type":"host-local","ranges":[[{"subnet":"10.1.0.0/24"}],[{"subnet":"fd00:1::/64"}]]},
         "runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80},{"hostPort":53,"containerPort":53,"protocol":"udp","hostIP":"192.0.2.1"}]}}
        """;

    private const string Ptp = """
        {"cniVersion":"1.1.0","name":"net1","type":"ptp","ipMasq":true,
         "ipam":{"type":"host-local","ranges":[[{"subnet":"10.1.0.0/24"}],[{"subnet":"fd00:1::/64"}]],"routes":[{"dst":"0.0.0.0/0"}]},
         "runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80}]}}
        """;

    private const string Macvlan = """
        {"cniVersion":"1.1.0","name":"net1","type":"macvlan","master":"uplink","hostAccess":true,"detectDuplicates":false,
         "ipam":{"type":"host-local","ranges":[[{"subnet":"192.0.2.0/24","rangeStart":"192.0.2.100"}],[{"subnet":"2001:db8:1::/64","rangeStart":"2001:db8:1::100"}]]},
         "runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80}]}}
        """;

    private const string HostDevice = """
        {"cniVersion":"1.1.0","name":"net1","type":"host-device","device":"lan1","detectDuplicates":false,
         "ipam":{"type":"host-local","subnet":"10.1.0.0/24"}}
        """;

    private const string Tap = """
        {"cniVersion":"1.1.0","name":"net1","type":"tap","mac":"02:00:00:00:00:07","mtu":1400,"ipam":{"type":"host-local","subnet":"10.1.0.0/24"}}
        """;

    private const string Portmap = """
        {"cniVersion":"1.1.0","name":"net1","type":"portmap","masqAll":true,"conditionsV4":["ip saddr != 192.0.2.77"],
         "prevResult":{"cniVersion":"1.1.0","interfaces":[{"name":"eth0","sandbox":"/x"}],"ips":[{"address":"192.0.2.2/24","interface":0}]},
         "runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80},{"hostPort":53,"containerPort":53,"protocol":"udp","hostIP":"192.0.2.1"}]}}
        """;

    private const string PlainLayer2 = """{"cniVersion":"1.0.0","name":"net1","type":"bridge","bridge":"br1"}""";

    [Theory]
    [InlineData("everything", Everything, Errno.ENOMEM)]
    [InlineData("everything, the name is taken", Everything, Errno.EEXIST)]
    [InlineData("everything, it is gone", Everything, Errno.ENOENT)]
    [InlineData("layer 2", PlainLayer2, Errno.ENOMEM)]
    [InlineData("ptp", Ptp, Errno.ENOMEM)]
    [InlineData("macvlan", Macvlan, Errno.ENOMEM)]
    [InlineData("macvlan, it is gone", Macvlan, Errno.ENOENT)]
    [InlineData("host-device", HostDevice, Errno.ENOMEM)]
    [InlineData("tap", Tap, Errno.ENOMEM)]
    [InlineData("portmap", Portmap, Errno.ENOMEM)]
    public void The_kth_request_fails_and_the_world_is_as_before(string name, string configuration, Errno errno)
    {
        Assert.NotEmpty(name);
        using TestHost host = MakeHost();
        Container container = MakeContainer(host, configuration);
        Run(host, container, "ADD", configuration, new FaultingSockets(0, errno), out FaultingSockets counted);
        Run(host, container, "DEL", configuration, new FaultingSockets(0, errno), out _);
        World before = Snapshot(host);

        int failed = 0;
        for (int k = 1; k <= counted.Requests; k++)
        {
            string output = Run(host, container, "ADD", configuration, new FaultingSockets(k, errno), out _);
            if (JsonDocument.Parse(output).RootElement.TryGetProperty("code", out JsonElement code))
            {
                failed++;
                Assert.NotEqual(0, code.GetInt32());
                AssertSame(before, Snapshot(host), $"after the failure of request {k}: {output}");
            }
            else
            {
                // An answer such as "exists already" is no failure for a request that only wants it to exist.
                Run(host, container, "DEL", configuration, new FaultingSockets(0, errno), out _);
                AssertSame(before, Snapshot(host), $"after ADD in spite of the failure of request {k}, and DEL");
            }
        }

        Assert.True(failed >= 4, $"only {failed} of {counted.Requests} failures made ADD fail");
    }

    [Theory]
    [InlineData("everything", Everything)]
    [InlineData("ptp", Ptp)]
    [InlineData("macvlan", Macvlan)]
    [InlineData("host-device", HostDevice)]
    [InlineData("tap", Tap)]
    [InlineData("portmap", Portmap)]
    public void The_kth_request_of_DEL_fails_and_the_next_DEL_finishes(string name, string configuration)
    {
        const Errno errno = Errno.ENOMEM;
        Assert.NotEmpty(name);
        using TestHost host = MakeHost();
        Container container = MakeContainer(host, configuration);
        FaultingSockets counted = new(0, errno);
        Run(host, container, "ADD", configuration, new FaultingSockets(0, errno), out _);
        Run(host, container, "DEL", configuration, counted, out _);
        World before = Snapshot(host);

        for (int k = 1; k <= counted.Requests; k++)
        {
            Run(host, container, "ADD", configuration, new FaultingSockets(0, errno), out _);
            Run(host, container, "DEL", configuration, new FaultingSockets(k, errno), out _);
            Assert.Equal("", Run(host, container, "DEL", configuration, new FaultingSockets(0, errno), out _));
            AssertSame(before, Snapshot(host), $"after the failure of DEL's request {k} and another DEL");
        }
    }

    private static TestHost MakeHost()
    {
        TestHost host = TestHost.Create();
        BridgeNet.EnableForwarding(host);
        host.Netns.Ip("link add lan1 type veth peer name lan2");
        return host;
    }

    /// <summary>portmap follows a driver: here a pair made by hand.</summary>
    private static Container MakeContainer(TestHost host, string configuration)
    {
        Container container = host.Container("c1");
        if (configuration == Portmap)
        {
            host.Netns.Ip($"link add port0 type veth peer name eth0 netns {container.Netns.Path}");
            host.Netns.Ip("link set port0 up");
        }

        return container;
    }

    private static Plugin Make(string configuration, INetlinkSockets sockets) => Json.Object(configuration)["type"]!.GetValue<string>() switch
    {
        "bridge" => new BridgePlugin(sockets),
        "ptp" => new PtpPlugin(sockets),
        "macvlan" => new MacvlanPlugin(sockets),
        "host-device" => new HostDevicePlugin(sockets),
        "tap" => new TapPlugin(sockets),
        _ => new PortmapPlugin(sockets),
    };

    private static string Run(TestHost host, Container container, string verb, string configuration, FaultingSockets sockets, out FaultingSockets used)
    {
        used = sockets;
        return host.Netns.Run(() =>
        {
            using MemoryStream output = new();
            using MemoryStream error = new();
            Dictionary<string, string> variables = new()
            {
                ["CNI_COMMAND"] = verb,
                ["CNI_CONTAINERID"] = container.Id,
                ["CNI_NETNS"] = container.Netns.Path,
                ["CNI_IFNAME"] = "eth0",
                ["CNI_PATH"] = host.Binaries,
                ["CNI_PLUGINS_CONFIG"] = host.ConfigurationFile,
            };
            PluginHost.Run(
                Make(configuration, sockets), new CniEnvironment(variables, new MemoryStream(Encoding.UTF8.GetBytes(configuration)), output, error));
            Assert.Equal("", Encoding.UTF8.GetString(error.ToArray()));
            return Encoding.UTF8.GetString(output.ToArray());
        });
    }

    // The index beside the leases is a cache that moves on with every call; the leases themselves are compared.
    private static World Snapshot(TestHost host) => World.Of(host).Except("/.index/");

    private static void AssertSame(World before, World now, string when)
    {
        string difference = now.Difference(before);
        Assert.True(difference.Length == 0, $"{when}: (- before, + now)\n{difference}");
    }
}
