using CniPlugins.Attachments;
using CniPlugins.Cni;

namespace CniPlugins.Plugins.Ptp;

/// <summary>A ptp network's configuration. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record PtpConfig
{
    /// <summary>Whether the container leaves its network by the host's address.</summary>
    public bool Masquerade { get; init; }

    /// <summary>Null: the kernel's choice.</summary>
    public int? Mtu { get; init; }

    /// <summary>What is to be published.</summary>
    public required PublishRequest Publish { get; init; }

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7), or CNI_ARGS (4).</exception>
    public static PtpConfig Read(CniRequest request, HostSettings settings)
    {
        ConfigObject root = request.Config.Root;
        InterfaceKeys.RequireIpam(request);
        InterfaceKeys.RequireBackend(root, "ipMasqBackend");
        return new PtpConfig
        {
            Masquerade = root.FindBool("ipMasq") ?? false,
            Mtu = InterfaceKeys.ReadMtu(root),
            Publish = PublishRequest.Read(request, settings),
        };
    }
}
