using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink.Route.Kinds;

namespace CniPlugins.Plugins.Vlan;

/// <summary>A vlan network's configuration. An object of this type is valid. README.md has the table of keys.</summary>
/// <param name="Kind">The tag.</param>
/// <param name="Master">What carries the tagged frames.</param>
/// <param name="Detection">Which addresses are tried before they are used.</param>
public sealed record VlanConfig(VlanKind Kind, MasterRequest Master, DuplicateDetection Detection)
{
    private const int HighestVlan = 4094;

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7).</exception>
    public static VlanConfig Read(CniRequest request)
    {
        ConfigObject root = request.Config.Root;
        InterfaceKeys.RequireIpam(request);
        MasterRequest master = MasterRequest.Read(root);
        if (master.Name is null)
        {
            throw new CniException(CniErrorCode.InvalidConfig, "master is missing: name the interface that carries the tagged frames");
        }

        ushort id = (ushort)(root.FindInt32("vlanId", 0, HighestVlan) ?? 0);
        return new VlanConfig(new VlanKind(id), master, DuplicateDetectionText.Read(root, DuplicateDetection.Ipv6));
    }
}
