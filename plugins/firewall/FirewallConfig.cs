using System.Text;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Publishing;

namespace CniPlugins.Plugins.Firewall;

/// <summary>Who may open connections to a container, beside by its published ports.</summary>
public enum IngressPolicy
{
    /// <summary>Whoever has a route to it.</summary>
    Open,

    /// <summary>Containers on the same bridge, and this host.</summary>
    SameBridge,

    /// <summary>This host alone.</summary>
    Isolated,
}

/// <summary>What is let through. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record FirewallConfig
{
    private const int LongestChainName = 28;   // XT_EXTENSION_MAXNAMELEN, less its NUL

    /// <summary>Who may come in.</summary>
    public IngressPolicy Ingress { get; init; }

    /// <summary>The chain of iptables that is asked before anything is accepted.</summary>
    public required string AdminChain { get; init; }

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7).</exception>
    public static FirewallConfig Read(ConfigObject root)
    {
        if (root.FindString("backend") == "firewalld")
        {
            throw Invalid("backend \"firewalld\" is not served: leave the key out (nothing here needs firewalld; its zone \"trusted\" can be given the network's subnets by hand)");
        }

        InterfaceKeys.RequireBackend(root, "backend");
        root.FindString("firewalldZone");
        return new FirewallConfig { Ingress = ReadIngress(root), AdminChain = ReadAdminChain(root) };
    }

    private static IngressPolicy ReadIngress(ConfigObject root) => root.FindString("ingressPolicy") switch
    {
        null or "" or "open" => IngressPolicy.Open,
        "same-bridge" => IngressPolicy.SameBridge,
        "isolated" => IngressPolicy.Isolated,
        string other => throw Invalid($"ingressPolicy is \"{other}\": set it to \"open\", \"same-bridge\" or \"isolated\""),
    };

    private static string ReadAdminChain(ConfigObject root)
    {
        string? name = root.FindString("iptablesAdminChainName");
        return string.IsNullOrEmpty(name) ? ForwardAccess.DefaultAdminChain
            : Encoding.UTF8.GetByteCount(name) <= LongestChainName && !name.Any(char.IsWhiteSpace) && !name.Any(char.IsControl) ? name
            : throw Invalid($"iptablesAdminChainName \"{name}\" is no name of a chain: use up to {LongestChainName} bytes without spaces");
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
