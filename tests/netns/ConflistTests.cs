using System.Text.Json.Nodes;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>
/// The chains in the wild, each a file in <c>conflists/</c>, called as libcni calls them: one plugin after the other with the result of the one
/// before, what the runtime has to say by declared capabilities, CHECK from 0.4.0 and GC from 1.1.0.
/// </summary>
public sealed class ConflistTests : IDisposable
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "conflists");

    private readonly TestHost _host = TestHost.Create();

    public ConflistTests() => BridgeNet.EnableForwarding(_host);

    public static TheoryData<string> Files =>
        [.. Directory.EnumerateFiles(s_folder, "*.conflist").Select(static path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];

    public void Dispose() => _host.Dispose();

    [Theory, MemberData(nameof(Files))]
    public void A_list_is_added_checked_collected_and_deleted_without_a_trace(string file)
    {
        string list = Read(file);
        Container first = _host.Container("first");
        Container second = _host.Container("second");
        World before = World();

        CniOptions web = Runtime(8080, "02:00:00:00:00:01");
        first.AddList(list, web);
        World alone = World();
        CniOptions other = Runtime(8081, "02:00:00:00:00:02");
        if (IsForOne(list))
        {
            other = web;
            second = first;
        }
        else
        {
            second.AddList(list, other);
        }

        if (IsAtLeast(list, "0.4.0"))
        {
            first.CheckList(list, web);
            second.CheckList(list, other);
        }

        if (second != first)
        {
            CollectOrDelete(list, second, other, (first.Id, "eth0"));
            World().AssertEqual(alone);
            second.DeleteList(list, other);   // as runtimes do, once more
            World().AssertEqual(alone);
        }

        CollectOrDelete(list, first, web);
        first.DeleteList(list, web);
        World().AssertEqual(before);
    }

    /// <summary>DEL knows the attachment and nothing else: no namespace, no result, nothing of what the runtime had said.</summary>
    [Theory, MemberData(nameof(Files))]
    public void A_list_is_deleted_by_the_attachment_alone(string file)
    {
        string list = Read(file);
        Container container = _host.Container("web");
        World before = World();
        container.AddList(list, Runtime(8080, "02:00:00:00:00:01"));

        container.DeleteList(list, new CniOptions { NetnsPath = "", OmitPreviousResult = true });

        // What lies in the container's namespace alone goes with it.
        string inside = $"[{container.Name}] ";
        World().Where(line => !line.StartsWith(inside, StringComparison.Ordinal))
            .AssertEqual(before.Where(line => !line.StartsWith(inside, StringComparison.Ordinal)));
    }

    /// <summary>
    /// A network keeps the subnet that was chosen for it, whoever leaves it; and the rule for VRFs is the kernel's, made with a namespace's first one.
    /// </summary>
    private World World() => BridgeNet.World(_host).Except("] var/lib/cni-plugins/", "l3mdev");

    /// <summary>What a runtime would hand to every list; libcni passes on what a plugin declares.</summary>
    private static CniOptions Runtime(int port, string mac) => new()
    {
        RuntimeConfig =
            $$"""
            {
              "portMappings": [{"hostPort": {{port}}, "containerPort": 80, "protocol": "tcp"}],
              "bandwidth": {"ingressRate": 20000000, "ingressBurst": 4294967295, "egressRate": 10000000, "egressBurst": 4294967295},
              "mac": "{{mac}}",
              "dns": {"servers": ["192.0.2.2"], "searches": ["example.org"], "options": null},
              "cgroupPath": "/pods/one"
            }
            """,
        Arguments = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web",
    };

    /// <summary>GC with these attachments left, where the list's version has it; before it, a runtime can only delete.</summary>
    private void CollectOrDelete(string list, Container gone, CniOptions options, params (string ContainerId, string InterfaceName)[] valid)
    {
        if (!IsAtLeast(list, "1.1.0"))
        {
            gone.DeleteList(list, options);
            return;
        }

        foreach ((string type, string configuration) in CniList.Plugins(list, null))
        {
            _host.Gc(type, configuration, valid).RequireSuccess();
        }
    }

    /// <summary>An address that stands in the file itself is one container's, and a VLAN of a master is one interface's.</summary>
    private static bool IsForOne(string list) => Json.Object(list)["plugins"]!.AsArray().Any(
        static plugin => plugin!["ipam"]?["type"]?.GetValue<string>() == "static" || plugin["type"]!.GetValue<string>() == "vlan");

    private static bool IsAtLeast(string list, string version) =>
        Version.Parse(Json.Object(list)["cniVersion"]!.GetValue<string>()) >= Version.Parse(version);

    /// <summary>The file's text; the test is skipped where the kernel lacks a kind of link that the list makes.</summary>
    private string Read(string file)
    {
        string list = File.ReadAllText(Path.Combine(s_folder, file + ".conflist"));
        foreach (JsonNode? plugin in Json.Object(list)["plugins"]!.AsArray())
        {
            string type = plugin!["type"]!.GetValue<string>();
            if (type is "macvlan" or "ipvlan" or "vlan" or "vrf")
            {
                Kernel.RequireKind(type);
            }

            Assert.SkipUnless(File.Exists(Path.Combine(_host.Binaries, type)), $"there is no {type} yet");
        }

        return list;
    }
}
