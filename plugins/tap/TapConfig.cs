using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;

namespace CniPlugins.Plugins.Tap;

/// <summary>A tap network's configuration. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record TapConfig
{
    /// <summary>Whether several queues may attach.</summary>
    public bool MultiQueue { get; init; }

    /// <summary>Null: the kernel's choice.</summary>
    public int? Mtu { get; init; }

    /// <summary>Null: random.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The user who may attach; null: root alone.</summary>
    public uint? Owner { get; init; }

    /// <summary>The group that may; null: none.</summary>
    public uint? Group { get; init; }

    /// <summary>The SELinux label of the device; null: the caller's.</summary>
    public string? SelinuxContext { get; init; }

    /// <summary>A bridge in the container that it becomes a port of; null: none.</summary>
    public string? Bridge { get; init; }

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7), or CNI_ARGS (4).</exception>
    public static TapConfig Read(CniRequest request)
    {
        ConfigObject root = request.Config.Root;
        string? bridge = root.FindString("bridge");
        string? context = root.FindString("selinuxContext");
        if (!string.IsNullOrEmpty(bridge) && CniNames.FindInterfaceNameFault(bridge) is string fault)
        {
            throw new CniException(CniErrorCode.InvalidConfig, $"bridge \"{bridge}\" is no name for an interface: {fault}");
        }

        return new TapConfig
        {
            MultiQueue = root.FindBool("multiQueue") ?? false,
            Mtu = InterfaceKeys.ReadMtu(root),
            Mac = InterfaceKeys.ReadMac(request),
            Owner = (uint?)root.FindInt64("owner", 0, uint.MaxValue),
            Group = (uint?)root.FindInt64("group", 0, uint.MaxValue),
            SelinuxContext = string.IsNullOrEmpty(context) ? null : context,
            Bridge = string.IsNullOrEmpty(bridge) ? null : bridge,
        };
    }
}
