using System.Text.Json.Nodes;

namespace CniPlugins.Bench;

/// <summary>A network as both contenders understand it, and what is published for a container.</summary>
internal sealed record Shape
{
    /// <summary>The first of the published ports of the host; the container's are the same less <see cref="PortShift"/>.</summary>
    public const int FirstPort = 18000;

    /// <summary>Between a port of the host and the container's.</summary>
    public const int PortShift = 10000;

    /// <summary>IPv6 as well.</summary>
    public bool DualStack { get; init; }

    /// <summary>Key <c>ipMasq</c>.</summary>
    public bool Masquerade { get; init; }

    /// <summary>How many ports of the host are published, for tcp, on no named host address.</summary>
    public int Ports { get; init; }

    /// <summary>The range of IPv4 addresses; a small one gives an address again soon.</summary>
    public string Range4 { get; init; } = """{"subnet":"10.88.0.0/16"}""";

    /// <summary>What a runtime calls one after the other for an ADD, without prevResult.</summary>
    public IReadOnlyList<JsonObject> Plugins(Contender contender)
    {
        JsonObject bridge = Parse($$"""
            {"cniVersion":"1.0.0","name":"bench","type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":{{(Masquerade ? "true" : "false")}},
             "ipam":{"type":"host-local",
              "ranges":[[{{Range4}}]{{(DualStack ? """,[{"subnet":"fd00:88::/64"}]""" : "")}}],
              "routes":[{"dst":"0.0.0.0/0"}{{(DualStack ? """,{"dst":"::/0"}""" : "")}}] } }
            """);
        if (Ports == 0)
        {
            return [bridge];
        }

        JsonObject publisher = contender.NeedsPortmap ? Parse("""{"cniVersion":"1.0.0","name":"bench","type":"portmap","snat":true}""") : bridge;
        publisher["capabilities"] = new JsonObject { ["portMappings"] = true };
        publisher["runtimeConfig"] = new JsonObject { ["portMappings"] = Mappings() };
        return contender.NeedsPortmap ? [bridge, publisher] : [bridge];
    }

    private static JsonObject Parse(string text) => JsonNode.Parse(text)!.AsObject();

    private JsonArray Mappings() => [.. Enumerable.Range(FirstPort, Ports).Select(static port => (JsonNode)new JsonObject
    {
        ["hostPort"] = port,
        ["containerPort"] = port - PortShift,
        ["protocol"] = "tcp",
    })];
}
