using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.RuntimeTests.Harness;

/// <summary>
/// A <see cref="TestHost"/> that a container runtime can live in: processes, control groups, /etc, /opt/cni/bin with the executables under
/// test, and every store are its own. All of it ends with this process, however that ends.
/// </summary>
public class RuntimeHost : IDisposable
{
    /// <summary>Joins the host's control groups, which a process that comes in from outside is not in.</summary>
    private const string Enter = "while read -r group; do echo 0 >\"$group\"; done <\"$1\"; shift; exec \"$@\"";

    private readonly TestHost _host = TestHost.Create();
    private readonly ControlGroups _groups;
    private readonly Process _init;
    private readonly string _initId;
    private ToolResult? _last;

    /// <summary>Makes the host, and waits until its first process has prepared it.</summary>
    public RuntimeHost()
    {
        _groups = ControlGroups.Create(Root);
        string[] enter = ["/bin/sh", "-c", Script("init.sh"), "init", Script("inside.sh"), Root, _host.Binaries, .. _groups.Paths];
        _init = _host.Netns.Run(() => StartInit(enter));
        string? ready = _init.StandardOutput.ReadLine();
        if (ready != "ready")
        {
            throw new InvalidOperationException($"the host was not prepared: {_init.StandardError.ReadToEnd()}");
        }

        // The last exec of the process that was started is unshare, which waits for its one child.
        string children = string.Create(CultureInfo.InvariantCulture, $"/proc/{_init.Id}/task/{_init.Id}/children");
        _initId = File.ReadAllText(children).Trim();
        foreach (string parameter in new[] { "net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding" })
        {
            Netns.SetSysctl(parameter, "1");   // ADD does so too, and never takes it back: worlds are compared
        }
    }

    /// <summary>The host's network.</summary>
    public Netns Netns => _host.Netns;

    /// <summary>The neighbour beyond the uplink, which has no route to any container.</summary>
    public Netns Lan => _host.Lan;

    /// <summary>A directory of the host's own, under the same path inside and outside.</summary>
    public string Root => _host.Root;

    /// <summary>The list that a runtime takes which takes the first in the directory.</summary>
    public void SetNetwork(string list) => WriteFile("/etc/cni/net.d/10-box.conflist", list);

    /// <summary>The path of one of the host's files for a process outside.</summary>
    public string Outside(string path) => $"/proc/{_initId}/root{path}";

    /// <summary>Writes a file of the host.</summary>
    public void WriteFile(string path, string content) => File.WriteAllText(Outside(path), content);

    /// <summary>Runs a program in the host; one that fails is an exception with all it said.</summary>
    public ToolResult Run(params string[] words)
    {
        ToolResult result = TryRun(words);
        return result.ExitCode == 0 ? result : throw new InvalidOperationException(result.ToString());
    }

    /// <summary>Runs a program in the host, whatever comes of it.</summary>
    public ToolResult TryRun(params string[] words)
    {
        string[] enter = ["--target", _initId, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--", "/bin/sh", "-c", Enter, "enter", Path.Combine(Root, "groups")];
        Dictionary<string, string> environment = new()
        {
            ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = "/root",
            ["TMPDIR"] = "/var/tmp",
        };
        ToolResult result = Tool.Run("/usr/bin/nsenter", [.. enter, .. words], "", environment) with { CommandLine = string.Join(' ', words) };
        if (result != _last)
        {
            Netns.Ran(result);   // what is asked again and again until the answer changes stands there once
        }

        _last = result;
        return result;
    }

    /// <summary>Starts a program in the host that goes on; what it says is in <see cref="Log"/>.</summary>
    public void Start(string name, params string[] words) =>
        Run(["/bin/sh", "-c", "log=$1; shift; \"$@\" >\"$log\" 2>&1 </dev/null &", "start", LogFile(name), .. words]);

    /// <summary>What a program that was started has said so far.</summary>
    public string Log(string name) => File.Exists(LogFile(name)) ? File.ReadAllText(LogFile(name)) : "";

    /// <summary>Asks a container's page from a namespace: "NAME ADDRESS", or nothing.</summary>
    public static string Page(Netns from, string address, int port)
    {
        ToolResult result = from.TryExec(PageCommand(address, port)[0], PageCommand(address, port)[1..]);
        return result.ExitCode == 0 ? Seen(result.Output) : "";
    }

    /// <summary>Asks for a page, inside a container or outside. Not <c>wget -T</c>: a static busybox crashes on it.</summary>
    internal static string[] PageCommand(string address, int port)
    {
        string host = IPAddress.Parse(address).AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address;
        return ["timeout", "2", "busybox", "wget", "-q", "-O", "-", string.Create(CultureInfo.InvariantCulture, $"http://{host}:{port}/cgi-bin/who")];
    }

    /// <summary>The page's line, with an address as everybody else writes it: "web ::ffff:10.1.0.2" is "web 10.1.0.2".</summary>
    internal static string Seen(string page) =>
        page.Trim().Replace("[", "", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Replace("::ffff:", "", StringComparison.Ordinal);

    /// <summary>Everything that a plugin or a runtime's use of it may change: both networks, state, leases, libcni's cache, namespaces.</summary>
    public World World() => NetnsTests.Harness.World.Of([Netns, Lan], Root, "run/cni-plugins", "run/netns", "var/lib/cni", "var/lib/cni-plugins")
        .WithoutFrame()
        .With(TryRun("/usr/bin/findmnt", "-rn", "-o", "TARGET").Output.Split('\n')
            .Where(static line => line.Contains("netns", StringComparison.Ordinal)).Select(static line => $"[mount] {line}"))
        .With(TryRun("/usr/bin/find", "/etc/cni/net.d", "-name", "*.conflist").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));

    /// <inheritdoc/>
    public void Dispose()
    {
        _init.StandardInput.Close();
        _init.WaitForExit();
        _init.Dispose();
        _groups.Dispose();
        _host.Dispose();
    }

    private string LogFile(string name) => Path.Combine(Root, name + ".log");

    private static Process StartInit(string[] words)
    {
        ProcessStartInfo start = new(words[0], words[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    private static string Script(string name)
    {
        using StreamReader reader = new(typeof(RuntimeHost).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
