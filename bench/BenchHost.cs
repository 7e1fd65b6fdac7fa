using System.Text.Json.Nodes;

namespace CniPlugins.Bench;

/// <summary>A contender's own throwaway host, with one network of a shape.</summary>
internal sealed class BenchHost : IDisposable
{
    private static readonly Dictionary<string, string> s_noVariables = [];

    private readonly Launcher _launcher = new();
    private readonly Shape _shape;
    private int _containers;

    /// <summary>Makes it.</summary>
    public BenchHost(Contender contender, Shape shape)
    {
        Contender = contender;
        _shape = shape;
        Tool("/usr/sbin/ip", "link", "set", "lo", "up");
        Tool("/usr/sbin/ip", "link", "add", Shape.Master, "type", "veth", "peer", "name", "lan1");
        Tool("/usr/sbin/ip", "link", "set", "lan1", "up");
        Tool("/usr/sbin/ip", "link", "set", Shape.Master, "up");
    }

    /// <summary>Whose host this is.</summary>
    public Contender Contender { get; }

    /// <summary>The path of the host's network namespace.</summary>
    public string NetworkPath => _launcher.NetworkPath;

    /// <summary>Makes an empty sandbox with a name of its own.</summary>
    public Sandbox MakeSandbox() => new(_launcher.MakeNamespace(), $"bench{_containers++:D5}aaaabbbbccccddddeeeeffff");

    /// <summary>ADD of the network for a new container in this sandbox.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public Measurement Add(Sandbox sandbox, bool publish = true)
    {
        Measurement cost = default;
        sandbox.Renew();
        foreach (JsonObject plugin in Plugins(publish))
        {
            ProcessOutcome outcome = Require(_launcher.Run(Call("ADD", plugin, sandbox)), "ADD", plugin);
            sandbox.Result = outcome.Output;
            cost += outcome.Cost;
        }

        return cost;
    }

    /// <summary>DEL of the network for the container in this sandbox.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public Measurement Delete(Sandbox sandbox, bool publish = true)
    {
        Measurement cost = default;
        foreach (JsonObject plugin in Plugins(publish).Reverse())
        {
            cost += Require(_launcher.Run(Call("DEL", plugin, sandbox)), "DEL", plugin).Cost;
        }

        sandbox.Result = null;
        return cost;
    }

    /// <summary>A verb of the network's first plugin for all these containers at once: the time is that of all together.</summary>
    /// <exception cref="BenchException">One of them failed.</exception>
    public Measurement CallAtOnce(string verb, IReadOnlyList<Sandbox> sandboxes)
    {
        JsonObject plugin = Plugins(publish: true)[0];
        IReadOnlyList<ProcessOutcome> outcomes = _launcher.Run([.. sandboxes.Select(each => Call(verb, plugin, each))], out double wall);
        Measurement sum = default;
        foreach ((ProcessOutcome outcome, Sandbox sandbox) in outcomes.Zip(sandboxes))
        {
            sum += Require(outcome, verb, plugin).Cost;
            sandbox.Result = verb == "ADD" ? outcome.Output : null;
        }

        return sum with { WallMs = wall };
    }

    /// <summary>VERSION.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public Measurement Version()
    {
        JsonObject plugin = Plugins(publish: false)[0];
        return Require(_launcher.Run(new ProcessStart([Executable(plugin)], Variables("VERSION"), plugin.ToJsonString())), "VERSION", plugin).Cost;
    }

    /// <summary>How many programs a verb executes, the plugins among them; ADD and DEL are really done.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public int CountPrograms(string verb, Sandbox sandbox)
    {
        int count = 0;
        IReadOnlyList<JsonObject> plugins = Plugins(publish: true);
        foreach (JsonObject plugin in verb == "DEL" ? plugins.Reverse() : plugins)
        {
            ProcessStart start = Call(verb, plugin, sandbox);
            ProcessOutcome outcome = Require(
                _launcher.Run(start with { Words = ["/usr/bin/strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", .. start.Words] }), verb, plugin);
            sandbox.Result = verb == "ADD" ? outcome.Output : sandbox.Result;
            count += outcome.Error.Split('\n').Count(static line =>
                line.Contains("execve", StringComparison.Ordinal) && line.EndsWith(" = 0", StringComparison.Ordinal));
        }

        return count;
    }

    /// <summary>Runs a tool inside the host; its output.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public string Tool(params string[] words)
    {
        ProcessOutcome outcome = TryTool(words);
        return outcome.Succeeded ? outcome.Output : throw new BenchException($"{string.Join(' ', words)}: {outcome.Error}{outcome.Output}");
    }

    /// <summary>Runs a tool inside the host, whatever comes of it.</summary>
    public ProcessOutcome TryTool(params string[] words) => _launcher.Run(new ProcessStart(words, s_noVariables, ""));

    /// <inheritdoc/>
    public void Dispose() => _launcher.Dispose();

    private static ProcessOutcome Require(ProcessOutcome outcome, string verb, JsonObject plugin) =>
        outcome.Succeeded ? outcome : throw new BenchException($"{verb} {plugin["type"]} failed: {outcome.Output}{outcome.Error}");

    private IReadOnlyList<JsonObject> Plugins(bool publish) => (publish ? _shape : _shape with { Ports = 0 }).Plugins(Contender);

    private string Executable(JsonObject plugin) => Path.Combine(Contender.Binaries, $"{plugin["type"]}");

    private ProcessStart Call(string verb, JsonObject plugin, Sandbox sandbox)
    {
        if (sandbox.Result is not null)
        {
            plugin["prevResult"] = JsonNode.Parse(sandbox.Result);
        }

        Dictionary<string, string> variables = Variables(verb);
        variables["CNI_CONTAINERID"] = sandbox.ContainerId;
        variables["CNI_NETNS"] = sandbox.NetworkPath;
        variables["CNI_IFNAME"] = Sandbox.InterfaceName;
        return new ProcessStart([Executable(plugin)], variables, plugin.ToJsonString());
    }

    private Dictionary<string, string> Variables(string verb) => new()
    {
        ["CNI_COMMAND"] = verb,
        ["CNI_PATH"] = Contender.Binaries,
        ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
    };
}
