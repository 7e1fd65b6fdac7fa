using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route.Kinds;

/// <summary>A bridge. Equivalent to <c>ip link add NAME type bridge [vlan_filtering 1]</c>.</summary>
/// <param name="VlanFiltering">IFLA_BR_VLAN_FILTERING (u8); not sent when false, since some kernels are built without.</param>
public sealed record BridgeKind(bool VlanFiltering) : ILinkKind
{
    /// <inheritdoc/>
    public string Kind => "bridge";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<IFLA_INFO> info)
    {
        if (!VlanFiltering)
        {
            return;
        }

        using (info.Nest(IFLA_INFO.DATA, out AttributeWriter<IFLA_BR> data))
        {
            data.PutU8(IFLA_BR.VLAN_FILTERING, 1);
        }
    }
}
