using System.Text.Json.Nodes;

namespace CniPlugins.Bench;

/// <summary>A network namespace, used by one container after another.</summary>
internal sealed class Sandbox(string networkPath, string name)
{
    /// <summary>CNI_IFNAME.</summary>
    public const string InterfaceName = "eth0";

    private int _uses;

    /// <summary>CNI_NETNS.</summary>
    public string NetworkPath => networkPath;

    /// <summary>CNI_CONTAINERID of the present container.</summary>
    public string ContainerId => $"{name}{_uses:D5}";

    /// <summary>What the last ADD of the present container said; null when there was none, or when it was removed.</summary>
    public string? Result { get; set; }

    /// <summary>The addresses in that, without the prefix length.</summary>
    public IReadOnlyList<string> Addresses =>
        [.. JsonNode.Parse(Result!)!["ips"]!.AsArray().Select(static ip => ip!["address"]!.GetValue<string>().Split('/')[0])];

    /// <summary>The next container moves in.</summary>
    public void Renew()
    {
        _uses++;
        Result = null;
    }
}
