using System.Text.Json.Nodes;

namespace CniPlugins.Bench;

/// <summary>A network as both contenders understand it, and what is published for a container.</summary>
internal sealed record Shape
{
    /// <summary>The first of the published ports of the host; the container's are the same less <see cref="PortShift"/>.</summary>
    public const int FirstPort = 18000;

    /// <summary>Between a port of the host and the container's.</summary>
    public const int PortShift = 10000;

    /// <summary>The interface of the host that containers of some drivers hang on.</summary>
    public const string Master = "lan0";

    /// <summary>The other end of that.</summary>
    public const string FarEnd = "lan1";

    /// <summary>The driver's own keys; null: a bridge with a gateway.</summary>
    public string? Driver { get; init; }

    /// <summary>A plugin behind it for both contenders; null: none.</summary>
    public string? Chained { get; init; }

    /// <summary>The kind of link that a kernel may lack; null: every one has what is needed.</summary>
    public string? Kind { get; init; }

    /// <summary>Whether only one container can have it at a time.</summary>
    public bool IsExclusive => Kind == "vlan";

    /// <summary>What ip wants to know of that kind beside the name.</summary>
    public string[] KindOptions => Kind == "vlan" ? ["id", "9"] : [];

    /// <summary>IPv6 as well.</summary>
    public bool DualStack { get; init; }

    /// <summary>Key <c>ipMasq</c>.</summary>
    public bool Masquerade { get; init; }

    /// <summary>How many ports of the host are published, for tcp.</summary>
    public int Ports { get; init; }

    /// <summary>The first of them.</summary>
    public int StartPort { get; init; } = FirstPort;

    /// <summary>On which address of the host; null: none is named, and the contenders differ in what that means.</summary>
    public string? HostAddress { get; init; }

    /// <summary>The range of IPv4 addresses; a small one gives an address again soon.</summary>
    public string Range4 { get; init; } = """{"subnet":"10.88.0.0/16"}""";

    /// <summary>What a runtime calls one after the other for an ADD, without prevResult.</summary>
    public IReadOnlyList<JsonObject> Plugins(Contender contender)
    {
        JsonObject driver = Parse(Driver ?? $$"""{"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":{{(Masquerade ? "true" : "false")}} }""");
        driver["ipam"] = Parse($$"""
            {"type":"host-local",
             "ranges":[[{{Range4}}]{{(DualStack ? """,[{"subnet":"fd00:88::/64"}]""" : "")}}],
             "routes":[{"dst":"0.0.0.0/0"}{{(DualStack ? """,{"dst":"::/0"}""" : "")}}] }
            """);
        List<JsonObject> plugins = [driver];
        if (Chained is not null)
        {
            plugins.Add(Parse(Chained));
        }

        if (Ports > 0)
        {
            if (contender.NeedsPortmap && Chained is null)
            {
                plugins.Add(Parse("""{"type":"portmap","snat":true}"""));
                if (contender.Backend is string backend)
                {
                    plugins[^1]["backend"] = backend;
                }
            }

            plugins[^1]["capabilities"] = new JsonObject { ["portMappings"] = true };
            plugins[^1]["runtimeConfig"] = new JsonObject { ["portMappings"] = Mappings() };
        }

        foreach (JsonObject plugin in plugins)
        {
            (plugin["cniVersion"], plugin["name"]) = ("1.0.0", "bench");
        }

        return plugins;
    }

    private static JsonObject Parse(string text) => JsonNode.Parse(text)!.AsObject();

    private JsonArray Mappings() => [.. Enumerable.Range(StartPort, Ports).Select(Mapping)];

    private JsonNode Mapping(int port)
    {
        JsonObject mapping = new() { ["hostPort"] = port, ["containerPort"] = port - PortShift, ["protocol"] = "tcp" };
        if (HostAddress is not null)
        {
            mapping["hostIP"] = HostAddress;
        }

        return mapping;
    }
}
