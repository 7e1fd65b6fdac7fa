using System.Text.Json.Nodes;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>
/// A host in a namespace of its own, with private /run, /var/lib and /sys, an uplink to one neighbour on its LAN, and the executables
/// under test. The machine's own network and state are never touched.
/// </summary>
public sealed class TestHost : IDisposable
{
    /// <summary>The host's addresses on the LAN, and its neighbour's.</summary>
    public const string Address4 = "192.0.2.1";
    public const string Address6 = "2001:db8:1::1";
    public const string LanAddress4 = "192.0.2.2";
    public const string LanAddress6 = "2001:db8:1::2";

    /// <summary>Debian's build of the reference plugins (package containernetworking-plugins).</summary>
    public const string ReferenceBinaries = "/usr/lib/cni";

    private readonly ITestOutputHelper? _output = TestContext.Current.TestOutputHelper;
    private readonly List<Container> _containers = [];
    private readonly Lock _transcript = new();

    private TestHost(string binaries)
    {
        Binaries = binaries;
        Root = TestDirectory.Create("host");
        Netns = Netns.CreateWithMounts("host", Root);
        Lan = Netns.Create("lan");
        Netns.Ran = Lan.Ran = Record;
        StateDirectory = Path.Combine(Root, "run/cni-plugins");
        DataDirectory = Path.Combine(Root, "var/lib/cni/networks");
        ConfigurationFile = Path.Combine(Root, "cni-plugins.json");
        SetConfiguration("{}");
        JoinLan();
    }

    /// <summary>The host's namespace.</summary>
    public Netns Netns { get; }

    /// <summary>A neighbour at the uplink: 192.0.2.2 and 2001:db8:1::2; it has no route to any container.</summary>
    public Netns Lan { get; }

    /// <summary>Holds everything that this host may write to.</summary>
    public string Root { get; }

    /// <summary>Where attachments are recorded; inside the host it is /run/cni-plugins too.</summary>
    public string StateDirectory { get; }

    /// <summary>Where leases lie; inside the host it is /var/lib/cni/networks too, where the reference plugins look.</summary>
    public string DataDirectory { get; }

    /// <summary>Where the subnets of networks that name none are written down.</summary>
    public string SubnetDirectory => Path.Combine(Root, "var/lib/cni-plugins/subnets");

    /// <summary>The host-wide configuration (CNI_PLUGINS_CONFIG).</summary>
    public string ConfigurationFile { get; }

    /// <summary>The directory of the executables, which is CNI_PATH as well.</summary>
    public string Binaries { get; }

    /// <summary>The containers made so far.</summary>
    public IReadOnlyList<Container> Containers => _containers;

    /// <summary>A host for the executables of this build: CNI_BIN, or dist/cni of the checkout.</summary>
    public static TestHost Create() => new(FindBinaries());

    /// <summary>A host for the executables in a directory.</summary>
    public static TestHost Create(string binaries) => new(binaries);

    /// <summary>Makes a sandbox with its own container id.</summary>
    public Container Container(string name)
    {
        Container container = new(this, name);
        container.Netns.Ran = Record;
        _containers.Add(container);
        return container;
    }

    /// <summary>Writes the host-wide configuration: the given keys, and the directories of this host where it names none.</summary>
    public void SetConfiguration(string json)
    {
        JsonObject configuration = Json.Object(json);
        configuration.TryAdd("stateDir", StateDirectory);
        configuration.TryAdd("dataDir", DataDirectory);
        configuration.TryAdd("subnetDir", SubnetDirectory);
        JsonObject publish = configuration["publish"]?.AsObject() ?? [];
        publish.TryAdd("cgroup", TestCgroup.Path);
        configuration["publish"] = publish;
        File.WriteAllText(ConfigurationFile, configuration.ToJsonString());
    }

    /// <summary>
    /// Switches bridged packets through the IP hooks on or off, for IPv4, IPv6 and ARP (br_netfilter; per namespace, and on in a new one).
    /// Skips the test where the kernel has no br_netfilter and it is to be on.
    /// </summary>
    public void SetBridgeNetfilter(bool on)
    {
        if (on)
        {
            Kernel.RequireBridgeNetfilter();
        }

        foreach (string family in new[] { "iptables", "ip6tables", "arptables" })
        {
            string name = $"net/bridge/bridge-nf-call-{family}";
            if (Netns.FindSysctl(name) is not null)
            {
                Netns.SetSysctl(name, on ? "1" : "0");
            }
        }
    }

    /// <summary>STATUS.</summary>
    public CniCall Status(string type, string configuration) => Call("STATUS", type, configuration, new Dictionary<string, string>());

    /// <summary>VERSION.</summary>
    public CniCall Version(string type, string configuration = """{"cniVersion":"1.1.0"}""") =>
        Call("VERSION", type, configuration, new Dictionary<string, string>());

    /// <summary>GC with the attachments that are still valid, as (container id, interface name), under both keys that runtimes send.</summary>
    public CniCall Gc(string type, string configuration, params (string ContainerId, string InterfaceName)[] valid)
    {
        JsonObject sent = Json.Object(configuration);
        foreach (string key in new[] { "cni.dev/valid-attachments", "cni.dev/attachments" })
        {
            sent[key] = new JsonArray([.. valid.Select(static v =>
                (JsonNode)new JsonObject { ["containerID"] = v.ContainerId, ["ifname"] = v.InterfaceName })]);
        }

        return Call("GC", type, sent.ToJsonString(), new Dictionary<string, string>());
    }

    /// <summary>
    /// Runs a plugin's executable inside the host with exactly these variables beside CNI_COMMAND, CNI_PATH, PATH and CNI_PLUGINS_CONFIG; one
    /// with an empty value is left out, also of these four. The input is sent as it is.
    /// </summary>
    public CniCall Call(string verb, string type, string input, IReadOnlyDictionary<string, string> variables, string? binaries = null)
    {
        Dictionary<string, string> environment = new()
        {
            ["CNI_COMMAND"] = verb,
            ["CNI_PATH"] = binaries ?? Binaries,
            ["CNI_PLUGINS_CONFIG"] = ConfigurationFile,
            ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
        };
        foreach ((string name, string value) in variables)
        {
            environment[name] = value;
        }

        foreach (string name in environment.Keys.Where(name => environment[name].Length == 0).ToList())
        {
            environment.Remove(name);
        }

        ToolResult result = Netns.TryExec(Path.Combine(binaries ?? Binaries, type), [], input, environment);
        CniCall call = new(verb, type, input, result);
        WriteTranscript($"  ({verb} <<< {Shorten(input)}; {string.Join(' ', variables.Select(static v => $"{v.Key}={v.Value}"))})");
        return call;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Container container in _containers)
        {
            container.Dispose();
        }

        Lan.Dispose();
        Netns.Dispose();
        Directory.Delete(Root, recursive: true);
    }

    private static string FindBinaries()
    {
        if (Environment.GetEnvironmentVariable("CNI_BIN") is { Length: > 0 } named)
        {
            return named;
        }

        for (string? directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (Directory.Exists(Path.Combine(directory, "dist/cni")))
            {
                return Path.Combine(directory, "dist/cni");
            }
        }

        throw new InvalidOperationException("no dist/cni above the test's executable: run build.sh, or name a directory in CNI_BIN");
    }

    private void JoinLan()
    {
        Netns.Ip($"link add uplink type veth peer name eth0 netns {Lan.Path}");
        foreach ((Netns side, string link, string v4, string v6, string neighbour) in new[]
        {
            (Netns, "uplink", Address4, Address6, "2"),
            (Lan, "eth0", LanAddress4, LanAddress6, "1"),
        })
        {
            side.Ip($"address add {v4}/24 dev {link}");
            side.Ip($"address add {v6}/64 dev {link} nodad");
            side.Ip($"link set {link} up");
            if (side == Netns)
            {
                side.Ip($"route add default via 192.0.2.{neighbour}");
                side.Ip($"-6 route add default via 2001:db8:1::{neighbour}");
            }
        }

        WaitForLocalRoute(Netns, Address6);
        WaitForLocalRoute(Lan, LanAddress6);
    }

    // The kernel makes an IPv6 address's own route when the carrier has come, by a work queue: a world read before that is not yet at rest.
    private static void WaitForLocalRoute(Netns side, string address)
    {
        bool settled = SpinWait.SpinUntil(
            () => side.Ip("-j -6 route show table local type local").EnumerateArray().Any(route => route.Text("dst") == address), 30_000);
        Assert.True(settled, $"{side.Name} has no local route for {address}");
    }

    private void Record(ToolResult result) => WriteTranscript(result.ToString());

    private void WriteTranscript(string text)
    {
        lock (_transcript)
        {
            _output?.WriteLine(Shorten(text));
        }
    }

    private static string Shorten(string text) => text.Length <= 4000 ? text : $"{text[..4000]}… ({text.Length} characters)";
}
