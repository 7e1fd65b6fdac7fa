using System.Text.Json.Nodes;

namespace CniPlugins.Bench;

/// <summary>A contender's own throwaway host, with one network of a shape.</summary>
internal sealed class BenchHost : IDisposable
{
    private static readonly Dictionary<string, string> s_noVariables = [];

    private readonly Launcher _launcher = new();
    private readonly Shape _shape;
    private readonly Dictionary<Sandbox, Shape> _attached = [];
    private int _containers;

    /// <summary>Makes it.</summary>
    public BenchHost(Contender contender, Shape shape)
    {
        Contender = contender;
        _shape = shape;
        Tool("/usr/sbin/ip", "link", "set", "lo", "up");
        Tool("/usr/sbin/ip", "link", "add", Shape.Master, "type", "veth", "peer", "name", Shape.FarEnd);
        Tool("/usr/sbin/ip", "link", "set", Shape.FarEnd, "up");
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
    public Measurement Add(Sandbox sandbox, bool publish = true) => Add(sandbox, Chosen(publish));

    /// <summary>ADD of the network in another shape.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public Measurement Add(Sandbox sandbox, Shape shape)
    {
        Measurement cost = default;
        sandbox.Renew();
        _attached[sandbox] = shape;
        foreach (JsonObject plugin in shape.Plugins(Contender))
        {
            ProcessOutcome outcome = Require(_launcher.Run(Call("ADD", plugin, sandbox)), "ADD", plugin);
            sandbox.Result = outcome.Output;
            cost += outcome.Cost;
        }

        return cost;
    }

    /// <summary>DEL of the network for the container in this sandbox.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public Measurement Delete(Sandbox sandbox, bool publish = true) => Delete(sandbox, Chosen(publish));

    /// <summary>DEL of the network in another shape.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public Measurement Delete(Sandbox sandbox, Shape shape)
    {
        Measurement cost = default;
        foreach (JsonObject plugin in shape.Plugins(Contender).Reverse())
        {
            cost += Require(_launcher.Run(Call("DEL", plugin, sandbox)), "DEL", plugin).Cost;
        }

        sandbox.Result = null;
        _attached.Remove(sandbox);
        return cost;
    }

    /// <summary>A verb of the network's first plugin for all these containers at once: the time is that of all together.</summary>
    /// <exception cref="BenchException">One of them failed.</exception>
    public Measurement CallAtOnce(string verb, IReadOnlyList<Sandbox> sandboxes)
    {
        JsonObject plugin = _shape.Plugins(Contender)[0];
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
        JsonObject plugin = Chosen(publish: false).Plugins(Contender)[0];
        return Require(_launcher.Run(new ProcessStart([Executable(plugin)], Variables("VERSION"), plugin.ToJsonString())), "VERSION", plugin).Cost;
    }

    /// <summary>How many programs a verb executes, the plugins among them; ADD and DEL are really done.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public int CountPrograms(string verb, Sandbox sandbox)
    {
        int count = 0;
        _attached[sandbox] = _shape;
        IReadOnlyList<JsonObject> plugins = _shape.Plugins(Contender);
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
    public string Tool(params string[] words) => Tool(words, "");

    /// <summary>Runs a tool that reads its standard input.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public string Tool(IReadOnlyList<string> words, string input)
    {
        ProcessOutcome outcome = _launcher.Run(new ProcessStart(words, s_noVariables, input));
        return outcome.Succeeded ? outcome.Output : throw new BenchException($"{string.Join(' ', words)}: {outcome.Error}{outcome.Output}");
    }

    /// <summary>Runs a tool inside the host, whatever comes of it.</summary>
    public ProcessOutcome TryTool(params string[] words) => _launcher.Run(new ProcessStart(words, s_noVariables, ""));

    /// <summary>Runs tools inside the host at the same time, whatever comes of them.</summary>
    public IReadOnlyList<ProcessOutcome> TryTools(params IReadOnlyList<string>[] tools) =>
        _launcher.Run([.. tools.Select(static words => new ProcessStart(words, s_noVariables, ""))], out _);

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            DeleteAll();
        }
        finally
        {
            _launcher.Dispose();
        }
    }

    /// <summary>Ports on loopback addresses are served by programs at the root of the machine's cgroups, and these do not go with the namespace: DEL removes them.</summary>
    private void DeleteAll()
    {
        if (Contender.NeedsPortmap)
        {
            return;
        }

        foreach ((Sandbox sandbox, Shape shape) in _attached.ToArray())
        {
            try
            {
                Delete(sandbox, shape);
            }
            catch (BenchException e)
            {
                // The others have to go too, and what went wrong before this is what the reader needs to see.
                Console.Error.WriteLine($"cleaning up: {e.Message}");
            }
        }
    }

    private static ProcessOutcome Require(ProcessOutcome outcome, string verb, JsonObject plugin) =>
        outcome.Succeeded ? outcome : throw new BenchException($"{verb} {plugin["type"]} failed: {outcome.Output}{outcome.Error}");

    private Shape Chosen(bool publish) => publish ? _shape : _shape with { Ports = 0 };

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
