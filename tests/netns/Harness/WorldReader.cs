using System.Globalization;
using System.Text.Json;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>Reads a namespace by the tools that an operator would use, and drops what changes by itself.</summary>
internal static class WorldReader
{
    private const string Separator = "=====";

    private static readonly string[] s_sections = ["link", "address", "route", "route6", "rule", "rule6", "neighbour", "nft", "sysctl"];

    /// <summary>
    /// One shell for all: each program start counts when a test takes a dozen snapshots. "; true" because some answers are an exit code 1 of
    /// nothing found.
    /// </summary>
    private const string Script =
        "ip -j -d link show; echo =====; ip -j address show; echo =====; ip -j -4 route show table all; echo =====; " +
        "ip -j -6 route show table all; echo =====; ip -j -4 rule; echo =====; ip -j -6 rule; echo =====; " +
        "ip -j neigh show nud permanent; echo =====; nft -j list ruleset; echo =====; cd /proc/sys/net; grep -s . " +
        "ipv4/ip_forward ipv6/conf/all/forwarding ipv4/conf/*/forwarding ipv6/conf/*/forwarding ipv4/conf/*/rp_filter " +
        "ipv4/conf/*/route_localnet ipv4/conf/*/arp_notify ipv4/conf/*/arp_ignore ipv4/conf/*/proxy_arp ipv4/conf/*/accept_local " +
        "ipv6/conf/*/accept_ra ipv6/conf/*/disable_ipv6 ipv6/conf/*/accept_dad ipv6/conf/*/proxy_ndp ipv6/conf/*/ndisc_notify " +
        "bridge/bridge-nf-call-*; true";

    /// <summary>Of a link: numbers that depend on history, states that follow others late, timers.</summary>
    private static readonly HashSet<string> s_volatile =
    [
        "ifindex", "link_index", "link_netnsid", "operstate", "promiscuity", "bridge_id", "root_id", "root_port", "root_path_cost",
        "topology_change", "topology_change_detected", "hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "message_age_timer",
        "forward_delay_timer", "hold_timer", "state", "designated_bridge", "designated_root", "designated_cost", "designated_port", "config_pending",
        "handle", "expires", "valid_life_time", "preferred_life_time", "stats", "stats64", "used", "age", "tentative", "dadfailed",
        "tso_max_size", "tso_max_segs",
    ];

    /// <summary>Flags that the kernel sets and clears by itself, some of them late.</summary>
    private static readonly HashSet<string> s_volatileFlags = ["NO-CARRIER", "LOWER_UP", "M-DOWN", "linkdown", "dead", "DORMANT"];

    internal static IEnumerable<string> Read(Netns netns)
    {
        Action<ToolResult> ran = netns.Ran;
        netns.Ran = static _ => { };   // pages of JSON that no transcript needs
        string output = netns.Exec("/bin/sh", "-c", Script).Output;
        netns.Ran = ran;
        string[] sections = output.Split(Separator);
        for (int i = 0; i < s_sections.Length; i++)
        {
            string text = sections[i].Trim();
            IEnumerable<string> lines = s_sections[i] switch
            {
                _ when text.Length == 0 => [],
                "nft" => Nftables(Json.Parse(text)),
                "sysctl" => text.Split('\n'),
                string section => Json.Parse(text).EnumerateArray().SelectMany(item => Describe(section, item)),
            };
            foreach (string line in lines)
            {
                yield return $"{s_sections[i]} {line}";
            }
        }
    }

    private static IEnumerable<string> Describe(string section, JsonElement item)
    {
        if (section == "address")
        {
            string link = item.Text("ifname") ?? "?";
            return (item.Find("addr_info")?.EnumerateArray() ?? default)
                .Where(static a => !IsAutomatic(a.Text("local")))
                .Select(a => $"{link} {Canonical(a)}");
        }

        return IsAutomatic(item.Text("dst")) || (section == "route6" && FollowsAnAddress(item)) ? [] : [Canonical(item)];
    }

    /// <summary>An IPv6 address's own routes come and go with the carrier, late; the address itself is looked at.</summary>
    private static bool FollowsAnAddress(JsonElement route) => route.Text("table") == "local" && route.Text("protocol") == "kernel";

    /// <summary>Link-local addresses and multicast routes come and go with the carrier.</summary>
    private static bool IsAutomatic(string? address) => address is not null
        && (address.StartsWith("fe80:", StringComparison.Ordinal) || address.StartsWith("ff00:", StringComparison.Ordinal));

    /// <summary>Rules keep their order within the chain by their number; all else stands for itself.</summary>
    private static IEnumerable<string> Nftables(JsonElement root)
    {
        Dictionary<string, int> positions = [];
        foreach (JsonElement entry in root.GetProperty("nftables").EnumerateArray())
        {
            JsonProperty item = entry.EnumerateObject().Single();
            if (item.Name == "metainfo")
            {
                continue;
            }

            string position = "";
            if (item.Name == "rule")
            {
                string chain = $"{item.Value.Text("family")} {item.Value.Text("table")} {item.Value.Text("chain")}";
                int number = positions[chain] = positions.GetValueOrDefault(chain) + 1;
                position = string.Create(CultureInfo.InvariantCulture, $"#{number} ");
            }

            foreach (string line in Elements(item))
            {
                yield return line;
            }

            yield return $"{item.Name} {position}{Canonical(item.Value)}";
        }
    }

    /// <summary>One line per element of a set or map, so that a difference shows the element and not the whole set.</summary>
    private static IEnumerable<string> Elements(JsonProperty item)
    {
        if (item.Name is "set" or "map" && item.Value.Find("elem") is { ValueKind: JsonValueKind.Array } elements)
        {
            foreach (string element in elements.EnumerateArray().Select(Canonical).Order(StringComparer.Ordinal))
            {
                yield return $"element {item.Value.Text("family")} {item.Value.Text("table")} {item.Value.Text("name")} {element}";
            }
        }
    }

    /// <summary>The value with its keys in order and without the volatile ones; elements of sets have their own lines.</summary>
    private static string Canonical(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{" + string.Join(' ', value.EnumerateObject()
            .Where(p => !s_volatile.Contains(p.Name) && !(p.Name == "elem" && p.Value.ValueKind == JsonValueKind.Array))
            .OrderBy(static p => p.Name, StringComparer.Ordinal)
            .Select(static p => $"{p.Name}={(p.Name is "packets" or "bytes" ? "…" : Canonical(p.Value))}")) + "}",
        JsonValueKind.Array => "[" + string.Join(' ', value.EnumerateArray().Select(Canonical).Where(static v => !s_volatileFlags.Contains(v))) + "]",
        _ => value.ToString(),
    };
}
