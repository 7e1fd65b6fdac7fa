using System.Text.Json;
using System.Text.Json.Nodes;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Configurations of bridge networks, and what the system's own tools say about them.</summary>
internal static class BridgeNet
{
    internal const string Subnet4 = "10.1.0.0/24";
    internal const string Subnet6 = "fd00:1::/64";

    /// <summary>A network with a gateway, default routes and masquerade; what <paramref name="extra"/> says comes on top.</summary>
    internal static string Of(
        string subnets = Subnet4, string extra = "{}", string version = "1.1.0", string name = "net1", string bridge = "br1")
    {
        JsonArray ranges = [];
        foreach (string subnet in subnets.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            ranges.Add(new JsonArray(new JsonObject { ["subnet"] = subnet }));
        }

        return With(
            new JsonObject
            {
                ["cniVersion"] = version,
                ["name"] = name,
                ["type"] = "bridge",
                ["bridge"] = bridge,
                ["isDefaultGateway"] = true,
                ["ipMasq"] = true,
                ["ipam"] = new JsonObject { ["type"] = "host-local", ["ranges"] = ranges },
            }.ToJsonString(),
            extra);
    }

    /// <summary>A network without addresses.</summary>
    internal static string Layer2(string extra = "{}", string version = "1.1.0", string name = "net1", string bridge = "br1") =>
        With($$"""{"cniVersion":"{{version}}","name":"{{name}}","type":"bridge","bridge":"{{bridge}}"}""", extra);

    /// <summary>A configuration with more keys; those that both have are the second one's.</summary>
    internal static string With(string configuration, string extra)
    {
        JsonObject merged = Json.Object(configuration);
        foreach ((string key, JsonNode? value) in Json.Object(extra))
        {
            merged[key] = value?.DeepClone();
        }

        return merged.ToJsonString();
    }

    /// <summary>What a runtime says to publish ports: the entries of portMappings.</summary>
    internal static CniOptions Ports(params string[] mappings) =>
        new() { RuntimeConfig = $$"""{"portMappings":[{{string.Join(',', mappings)}}]}""" };

    /// <summary>What a runtime says to publish ports: the entries of portMappings in the operator's form.</summary>
    internal static CniOptions PortForms(params string[] forms) => Ports([.. forms.Select(static form => $"\"{form}\"")]);

    /// <summary>One entry of portMappings.</summary>
    internal static string Port(int host, int container, string protocol = "tcp", string hostIp = "") =>
        $$"""{"hostPort":{{host}},"containerPort":{{container}},"protocol":"{{protocol}}","hostIP":"{{hostIp}}"}""";

    /// <summary>The addresses of a result of any version, with their prefix lengths.</summary>
    internal static IReadOnlyList<string> Addresses(CniCall add)
    {
        JsonElement result = add.Result;
        return result.Find("ip4") is null && result.Find("ip6") is null
            ? add.Addresses
            : [.. new[] { "ip4", "ip6" }.Select(key => result.Find(key)?.Text("ip")).OfType<string>()];
    }

    /// <summary>The global addresses of an interface, with their prefix lengths.</summary>
    internal static IReadOnlyList<string> AddressesOf(Netns netns, string link) =>
        [.. netns.Ip($"-j address show dev {link}")[0].GetProperty("addr_info").EnumerateArray()
            .Where(static a => a.Text("scope") == "global").Select(static a => $"{a.Text("local")}/{a.Text("prefixlen")}")];

    /// <summary>A link with its details; null when it is not there.</summary>
    internal static JsonElement? FindLink(Netns netns, string name) =>
        netns.Ip("-j -d link show").EnumerateArray().Select(static link => (JsonElement?)link).FirstOrDefault(link => link!.Value.Text("ifname") == name);

    /// <summary>The link of the host that is the other end of a container's interface.</summary>
    internal static JsonElement PeerOf(TestHost host, Container container, string ifName = "eth0")
    {
        string index = FindLink(container.Netns, ifName)!.Value.Text("link_index")!;
        return host.Netns.Ip("-j -d link show").EnumerateArray().Single(link => link.Text("ifindex") == index);
    }

    /// <summary>A member of a port's settings, as ip shows it.</summary>
    internal static string? PortSetting(JsonElement port, string key) => port.Find("linkinfo")?.Find("info_slave_data")?.Text(key);

    /// <summary>The elements of a set or map of our tables, each as nft prints it.</summary>
    internal static IReadOnlyList<string> Elements(TestHost host, string set)
    {
        foreach (JsonElement entry in host.Netns.Nft("-j list ruleset").GetProperty("nftables").EnumerateArray())
        {
            JsonProperty item = entry.EnumerateObject().Single();
            if (item.Name is "set" or "map" && item.Value.Text("table") == "cni_plugins" && item.Value.Text("name") == set)
            {
                return [.. (item.Value.Find("elem")?.EnumerateArray() ?? default).Select(static element => element.GetRawText())];
            }
        }

        return [];
    }

    /// <summary>Whether one of our tables is there.</summary>
    internal static bool HasTable(TestHost host) =>
        host.Netns.Exec("/usr/sbin/nft", "list", "tables").Output.Contains("cni_plugins", StringComparison.Ordinal);

    /// <summary>The world, but for what stays when nothing is left.</summary>
    internal static World World(TestHost host) => Harness.World.Of(host).WithoutFrame();

    /// <summary>Lets the neighbour on the LAN send to containers by this host, as one does who means to get at them.</summary>
    internal static void RouteFromLan(TestHost host)
    {
        host.Lan.Ip($"route add 10.0.0.0/8 via {TestHost.Address4}");
        host.Lan.Ip($"-6 route add fd00::/16 via {TestHost.Address6}");
    }

    /// <summary>Switches forwarding on, which ADD does as well and never takes back: so that worlds can be compared.</summary>
    internal static void EnableForwarding(TestHost host)
    {
        host.Netns.SetSysctl("net/ipv4/ip_forward", "1");
        host.Netns.SetSysctl("net/ipv6/conf/all/forwarding", "1");
    }
}
