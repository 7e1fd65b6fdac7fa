using System.Text.Json.Nodes;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Configurations of networks whose interfaces hang on the uplink, or on nothing; their addresses are the LAN's, above its neighbours'.</summary>
internal static class SubNet
{
    internal const string Lan4 = """{"subnet":"192.0.2.0/24","rangeStart":"192.0.2.100","gateway":"192.0.2.1"}""";
    internal const string Lan6 = """{"subnet":"2001:db8:1::/64","rangeStart":"2001:db8:1::100","gateway":"2001:db8:1::1"}""";

    /// <summary>A network with addresses of the given ranges, on the uplink; what <paramref name="extra"/> says comes on top, and null takes away.</summary>
    internal static string Of(string type, string extra = "{}", string version = "1.1.0", string name = "net1", params string[] ranges)
    {
        string[] sets = ranges.Length == 0 ? [Lan4] : ranges;
        return BridgeNet.With(
            $$"""
            {"cniVersion":"{{version}}","name":"{{name}}","type":"{{type}}","master":"uplink",
             "ipam":{"type":"host-local","ranges":[{{string.Join(',', sets.Select(static set => $"[{set}]"))}}],"routes":[{"dst":"0.0.0.0/0"}] } }
            """,
            extra);
    }

    /// <summary>The same with the master in the container.</summary>
    internal static string InContainer(string configuration) => BridgeNet.With(configuration, """{"linkInContainer":true,"master":"inner"}""");

    /// <summary>A pair inside a container that can be a master there.</summary>
    internal static void AddInner(Container container)
    {
        container.Netns.Ip("link add inner type veth peer name outer");
        container.Netns.Ip("link set inner up");
        container.Netns.Ip("link set outer up");
    }

    /// <summary>The keys below linkinfo of an interface, as ip shows them.</summary>
    internal static string? Data(Netns netns, string name, string key) => BridgeNet.FindLink(netns, name)?.Find("linkinfo")?.Find("info_data")?.Text(key);

    /// <summary>Address management that always says the same, as an executable of somebody else.</summary>
    internal static CniOptions ForeignIpam(TestHost host, string result)
    {
        string directory = Path.Combine(host.Root, "foreign");
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, "fixed");
        File.WriteAllText(path, $"#!/bin/sh\n[ \"$CNI_COMMAND\" != ADD ] || cat <<'END'\n{result}\nEND\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new CniOptions { Environment = new Dictionary<string, string> { ["CNI_PATH"] = $"{directory}:{host.Binaries}" } };
    }

    /// <summary>The one interface of a result.</summary>
    internal static JsonObject Interface(CniCall add) => Json.Object(add.Tool.Output)["interfaces"]!.AsArray().Single()!.AsObject();
}
