using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route.Kinds;

/// <summary>
/// A link that shares its parent's link-layer address. Equivalent to <c>ip link add NAME link PARENT type ipvlan mode MODE [FLAG]</c>.
/// Kernel: drivers/net/ipvlan.
/// </summary>
/// <param name="Mode">IFLA_IPVLAN_MODE (u16); the last one set holds for all links of the parent.</param>
/// <param name="Flags">IFLA_IPVLAN_FLAGS (u16); likewise the parent's.</param>
public sealed record IpvlanKind(IPVLAN_MODE Mode, IPVLAN_F Flags) : ILinkKind
{
    /// <inheritdoc/>
    public string Kind => "ipvlan";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<IFLA_INFO> info)
    {
        using (info.Nest(IFLA_INFO.DATA, out AttributeWriter<IFLA_IPVLAN> data))
        {
            data.PutU16(IFLA_IPVLAN.MODE, (ushort)Mode);
            data.PutU16(IFLA_IPVLAN.FLAGS, (ushort)Flags);
        }
    }

    internal static IpvlanKind Parse(AttributeReader data)
    {
        IpvlanKind kind = new(IPVLAN_MODE.L2, IPVLAN_F.BRIDGE);
        foreach (NetlinkAttribute attribute in data)
        {
            kind = attribute.As<IFLA_IPVLAN>() switch
            {
                IFLA_IPVLAN.MODE => kind with { Mode = (IPVLAN_MODE)attribute.GetU16() },
                IFLA_IPVLAN.FLAGS => kind with { Flags = (IPVLAN_F)attribute.GetU16() },
                _ => kind,
            };
        }

        return kind;
    }
}
