using System.Text;
using System.Text.Json;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Plugins.Bridge;

namespace CniPlugins.NetnsTests;

/// <summary>Each request of an ADD to the kernel fails once: ADD says so, and nothing is left of it.</summary>
public sealed class BridgeFailureTests
{
    private const string Everything = """
        {"cniVersion":"1.1.0","name":"net1","type":"bridge","bridge":"br1","isDefaultGateway":true,"ipMasq":true,"isolation":"full","macspoofchk":true,
         "portIsolation":true,"mtu":1400,
         "ipam":{"type":"host-local","ranges":[[{"subnet":"10.1.0.0/24"}],[{"subnet":"fd00:1::/64"}]]},
         "runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80},{"hostPort":53,"containerPort":53,"protocol":"udp","hostIP":"192.0.2.1"}]}}
        """;

    private const string PlainLayer2 = """{"cniVersion":"1.0.0","name":"net1","type":"bridge","bridge":"br1"}""";

    [Theory]
    [InlineData("everything", Everything, Errno.ENOMEM)]
    [InlineData("everything, the name is taken", Everything, Errno.EEXIST)]
    [InlineData("everything, it is gone", Everything, Errno.ENOENT)]
    [InlineData("layer 2", PlainLayer2, Errno.ENOMEM)]
    public void The_kth_request_fails_and_the_world_is_as_before(string name, string configuration, Errno errno)
    {
        Assert.NotEmpty(name);
        using TestHost host = TestHost.Create();
        Container container = host.Container("c1");
        host.Netns.SetSysctl("net/ipv4/ip_forward", "1");
        host.Netns.SetSysctl("net/ipv6/conf/all/forwarding", "1");
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

        Assert.True(failed >= 6, $"only {failed} of {counted.Requests} failures made ADD fail");
    }

    [Theory]
    [InlineData(Errno.ENOMEM)]
    public void The_kth_request_of_DEL_fails_and_the_next_DEL_finishes(Errno errno)
    {
        using TestHost host = TestHost.Create();
        Container container = host.Container("c1");
        host.Netns.SetSysctl("net/ipv4/ip_forward", "1");
        host.Netns.SetSysctl("net/ipv6/conf/all/forwarding", "1");
        FaultingSockets counted = new(0, errno);
        Run(host, container, "ADD", Everything, new FaultingSockets(0, errno), out _);
        Run(host, container, "DEL", Everything, counted, out _);
        World before = Snapshot(host);

        for (int k = 1; k <= counted.Requests; k++)
        {
            Run(host, container, "ADD", Everything, new FaultingSockets(0, errno), out _);
            Run(host, container, "DEL", Everything, new FaultingSockets(k, errno), out _);
            Assert.Equal("", Run(host, container, "DEL", Everything, new FaultingSockets(0, errno), out _));
            AssertSame(before, Snapshot(host), $"after the failure of DEL's request {k} and another DEL");
        }
    }

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
                new BridgePlugin(sockets), new CniEnvironment(variables, new MemoryStream(Encoding.UTF8.GetBytes(configuration)), output, error));
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
