using System.Collections.Concurrent;
using System.ComponentModel;
using System.Net.Sockets;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>What this kernel can do: asked once in a scratch namespace. A test that needs more is skipped with the kernel's own answer.</summary>
public static class Kernel
{
    /// <summary>How a kind of link is made that needs more than its name; the parent is a veth, which every kernel here has.</summary>
    private static readonly Dictionary<string, string> s_kinds = new()
    {
        ["veth"] = "link add probe type veth peer name probe2",
        ["macvlan"] = "link add probe link parent type macvlan mode bridge",
        ["macvtap"] = "link add probe link parent type macvtap mode bridge",
        ["ipvlan"] = "link add probe link parent type ipvlan mode l2",
        ["vlan"] = "link add probe link parent type vlan id 5",
        ["vrf"] = "link add probe type vrf table 77",
        ["vxlan"] = "link add probe type vxlan id 5 dstport 4789 local 127.0.0.1",
        ["tun"] = "tuntap add probe mode tun",
    };

    private static readonly ConcurrentDictionary<string, Lazy<string?>> s_answers = new();

    /// <summary>Null when the kernel has that kind of link, else what it answered.</summary>
    public static string? ProbeKind(string kind) => Once($"link kind {kind}", scratch =>
    {
        scratch.Ip("link add parent type veth peer name parent2");
        return Ask(scratch, "/usr/sbin/ip", s_kinds.GetValueOrDefault(kind, $"link add probe type {kind}"));
    });

    /// <summary>Null when bridges can filter by VLAN, else what the kernel answered.</summary>
    public static string? ProbeVlanFiltering() => Once("bridge vlan_filtering", static scratch =>
        Ask(scratch, "/usr/sbin/ip", "link add probe type bridge vlan_filtering 1"));

    /// <summary>Null when SCTP sockets can be made, else what the kernel answered.</summary>
    public static string? ProbeSctp() => Once("SCTP", static scratch => scratch.Run(static () =>
    {
        try
        {
            using Socket socket = SctpEcho.CreateSocket(AddressFamily.InterNetwork);
            return null;
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }));

    /// <summary>Null when bridged packets can pass the IP hooks, else what is missing.</summary>
    public static string? ProbeBridgeNetfilter() => Once("br_netfilter", static scratch =>
        scratch.FindSysctl("net/bridge/bridge-nf-call-iptables") is null ? "no /proc/sys/net/bridge" : null);

    /// <summary>Null when nft accepts the script, else what it answered.</summary>
    public static string? ProbeNft(string script) => Once($"nft: {script}", scratch =>
    {
        ToolResult result = scratch.TryExec("/usr/sbin/nft", ["-f", "-"], script, null);
        return result.ExitCode == 0 ? null : result.Error.Trim().Split('\n')[0];
    });

    /// <summary>Skips the test unless the kernel has that kind of link.</summary>
    public static void RequireKind(string kind) => Require($"link kind {kind}", ProbeKind(kind));

    /// <summary>Skips the test unless bridges can filter by VLAN.</summary>
    public static void RequireVlanFiltering() => Require("bridge vlan_filtering", ProbeVlanFiltering());

    /// <summary>Skips the test unless there is SCTP.</summary>
    public static void RequireSctp() => Require("SCTP", ProbeSctp());

    /// <summary>Skips the test unless bridged packets can pass the IP hooks.</summary>
    public static void RequireBridgeNetfilter() => Require("br_netfilter", ProbeBridgeNetfilter());

    /// <summary>
    /// Skips the test with this reason unless the answer is null. By its first words test.sh knows what it runs again on a kernel that has everything.
    /// </summary>
    public static void Require(string what, string? answer) => Assert.SkipUnless(answer is null, $"this kernel lacks {what}: {answer}");

    private static string? Ask(Netns scratch, string program, string arguments)
    {
        ToolResult result = scratch.TryExec(program, arguments.Split(' '));
        return result.ExitCode == 0 ? null : result.Error.Trim().Split('\n')[^1];
    }

    private static string? Once(string what, Func<Netns, string?> probe) => s_answers.GetOrAdd(what, _ => new Lazy<string?>(() =>
    {
        using Netns scratch = Netns.Create("scratch");
        return probe(scratch);
    })).Value;
}
