using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;

namespace CniPlugins.Plugins.Portmap;

/// <summary>What is to be published. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record PortmapConfig
{
    /// <summary>The ports.</summary>
    public required PublishRequest Publish { get; init; }

    /// <summary>Whether a container that comes to its network's own published ports shows the host's address, without which it has no answer.</summary>
    public bool Snat { get; init; }

    /// <summary>Whether everybody who comes by a published port shows the host's address.</summary>
    public bool MasqueradeAll { get; init; }

    /// <summary>Reads and checks everything; null when no port is asked for.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7).</exception>
    public static PortmapConfig? Read(CniRequest request, HostSettings settings)
    {
        ConfigObject root = request.Config.Root;
        InterfaceKeys.RequireBackend(root, "backend");
        RefuseMarks(root);
        PortmapConfig config = new()
        {
            Publish = PublishRequest.Read(request, settings) with
            {
                Conditions =
                [
                    .. ConditionText.Read(root, "conditionsV4", AddressFamily.InterNetwork),
                    .. ConditionText.Read(root, "conditionsV6", AddressFamily.InterNetworkV6),
                ],
            },
            Snat = root.FindBool("snat") ?? true,
            MasqueradeAll = root.FindBool("masqAll") ?? false,
        };
        return config.Publish.Ports.Count > 0 ? config : null;
    }

    /// <summary>What only iptables has.</summary>
    private static void RefuseMarks(ConfigObject root)
    {
        if (!string.IsNullOrEmpty(root.FindString("externalSetMarkChain")))
        {
            throw Invalid("externalSetMarkChain names a chain of iptables, which is not used here: remove the key; what must be masqueraded is, without a mark");
        }

        if (root.FindInt32("markMasqBit") is not null)
        {
            throw Invalid("markMasqBit is a mark of iptables rules, which are not used here: remove the key; what must be masqueraded is, without a mark");
        }
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
