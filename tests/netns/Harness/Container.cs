using System.Text.Json.Nodes;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>A sandbox: a namespace and a container id, and the calls that a runtime makes for it.</summary>
public sealed class Container : IDisposable
{
    private readonly TestHost _host;
    private readonly Dictionary<string, string> _results = [];

    internal Container(TestHost host, string name)
    {
        _host = host;
        Name = name;
        Netns = Netns.Create(name);
        Id = $"{name}-{Guid.NewGuid():N}";
    }

    /// <summary>The name the test gave.</summary>
    public string Name { get; }

    /// <summary>CNI_CONTAINERID.</summary>
    public string Id { get; }

    /// <summary>The sandbox's namespace.</summary>
    public Netns Netns { get; }

    /// <summary>ADD, which must succeed.</summary>
    public CniCall Add(string type, string configuration, CniOptions? options = null) =>
        TryAdd(type, configuration, options).RequireSuccess();

    /// <summary>ADD, whatever comes of it.</summary>
    public CniCall TryAdd(string type, string configuration, CniOptions? options = null) => Call("ADD", type, configuration, options);

    /// <summary>DEL, which must succeed.</summary>
    public CniCall Delete(string type, string configuration, CniOptions? options = null) =>
        TryDelete(type, configuration, options).RequireSuccess();

    /// <summary>DEL, whatever comes of it.</summary>
    public CniCall TryDelete(string type, string configuration, CniOptions? options = null) => Call("DEL", type, configuration, options);

    /// <summary>CHECK, which must succeed.</summary>
    public CniCall Check(string type, string configuration, CniOptions? options = null) =>
        TryCheck(type, configuration, options).RequireSuccess();

    /// <summary>CHECK, whatever comes of it.</summary>
    public CniCall TryCheck(string type, string configuration, CniOptions? options = null) => Call("CHECK", type, configuration, options);

    /// <summary>ADD of every plugin of a list, each with the result of the one before, as libcni does it. The last call is returned.</summary>
    public CniCall AddList(string list, CniOptions? options = null)
    {
        CniCall? last = null;
        foreach ((string type, string configuration) in CniList.Plugins(list, options?.RuntimeConfig))
        {
            CniOptions step = (options ?? new CniOptions()) with { RuntimeConfig = null, PreviousResult = last?.Tool.Output };
            last = Add(type, configuration, step);
        }

        return last ?? throw new ArgumentException("the list has no plugins", nameof(list));
    }

    /// <summary>DEL of every plugin of a list, last first, each with the result of the list.</summary>
    public void DeleteList(string list, CniOptions? options = null)
    {
        foreach ((string type, string configuration) in CniList.Plugins(list, options?.RuntimeConfig).Reverse())
        {
            Delete(type, configuration, (options ?? new CniOptions()) with { RuntimeConfig = null });
        }
    }

    /// <summary>CHECK of every plugin of a list with the result of the list.</summary>
    public void CheckList(string list, CniOptions? options = null)
    {
        foreach ((string type, string configuration) in CniList.Plugins(list, options?.RuntimeConfig))
        {
            Check(type, configuration, (options ?? new CniOptions()) with { RuntimeConfig = null });
        }
    }

    /// <summary>Any verb with the variables of this container.</summary>
    public CniCall Call(string verb, string type, string configuration, CniOptions? options = null)
    {
        options ??= new CniOptions();
        Dictionary<string, string> variables = new()
        {
            ["CNI_CONTAINERID"] = Id,
            ["CNI_NETNS"] = options.NetnsPath ?? Netns.Path,
            ["CNI_IFNAME"] = options.InterfaceName,
            ["CNI_ARGS"] = options.Arguments,
        };
        foreach ((string name, string value) in options.Environment)
        {
            variables[name] = value;
        }

        string input = Input(verb, configuration, options, out string key);
        CniCall call = _host.Call(verb, type, input, variables, options.Binaries);
        if (verb == "ADD" && call.Succeeded)
        {
            _results[key] = call.Tool.Output;
        }

        return call;
    }

    /// <inheritdoc/>
    public void Dispose() => Netns.Dispose();

    /// <summary>The configuration with what a runtime adds to it; the key is that of the attachment.</summary>
    private string Input(string verb, string configuration, CniOptions options, out string key)
    {
        JsonObject input = Json.Object(configuration);
        key = $"{input["name"]}/{options.InterfaceName}";
        if (options.RuntimeConfig is not null)
        {
            input["runtimeConfig"] = JsonNode.Parse(options.RuntimeConfig);
        }

        string? previous = options.PreviousResult ?? (verb == "ADD" ? null : _results.GetValueOrDefault(key));
        if (previous is not null && !options.OmitPreviousResult)
        {
            input["prevResult"] = JsonNode.Parse(previous);
        }

        // An untouched text goes as the test wrote it.
        return options.RuntimeConfig is null && !input.ContainsKey("prevResult") ? configuration : input.ToJsonString();
    }
}
