namespace CniPlugins.RuntimeTests;

/// <summary>Configuration lists as runtimes' users write them.</summary>
internal static class Chains
{
    /// <summary>All in one process: the bridge publishes ports itself.</summary>
    internal const string Bridge = """
        {
          "cniVersion": "1.0.0",
          "name": "box",
          "plugins": [
            {
              "type": "bridge",
              "bridge": "cni0",
              "isDefaultGateway": true,
              "ipMasq": true,
              "hairpinMode": true,
              "capabilities": {"portMappings": true},
              "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}], [{"subnet": "fd00:88::/64"}]]}
            }
          ]
        }
        """;

    /// <summary>The usual chain of the reference plugins' types.</summary>
    internal const string Usual = """
        {
          "cniVersion": "1.0.0",
          "name": "box",
          "plugins": [
            {
              "type": "bridge",
              "bridge": "cni0",
              "isGateway": true,
              "ipMasq": true,
              "hairpinMode": true,
              "ipam": {
                "type": "host-local",
                "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
                "ranges": [[{"subnet": "10.88.0.0/16"}], [{"subnet": "fd00:88::/64"}]]
              }
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
            {"type": "firewall", "backend": ""},
            {"type": "tuning"}
          ]
        }
        """;

    /// <summary>By the names that theories show.</summary>
    internal static string Named(string name) => name switch
    {
        "bridge" => Bridge,
        "usual" => Usual,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such chain"),
    };
}
