using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route.Kinds;

/// <summary>
/// The frames of its parent that carry a tag. Equivalent to <c>ip link add NAME link PARENT type vlan [protocol 802.1ad] id ID</c>.
/// Kernel: net/8021q.
/// </summary>
/// <param name="Id">IFLA_VLAN_ID (u16), 0 to 4095.</param>
public sealed record VlanKind(ushort Id) : ILinkKind
{
    /// <summary>ETH_P_8021Q, include/uapi/linux/if_ether.h: the customer's tag.</summary>
    public const ushort Dot1Q = 0x8100;

    /// <summary>ETH_P_8021AD, include/uapi/linux/if_ether.h: the provider's tag.</summary>
    public const ushort Dot1Ad = 0x88A8;

    /// <inheritdoc/>
    public string Kind => "vlan";

    /// <summary>IFLA_VLAN_PROTOCOL (u16, network order).</summary>
    public ushort Protocol { get; init; } = Dot1Q;

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<IFLA_INFO> info)
    {
        using (info.Nest(IFLA_INFO.DATA, out AttributeWriter<IFLA_VLAN> data))
        {
            data.PutU16(IFLA_VLAN.ID, Id);
            data.PutU16BigEndian(IFLA_VLAN.PROTOCOL, Protocol);
        }
    }

    internal static VlanKind Parse(AttributeReader data)
    {
        VlanKind kind = new(0);
        foreach (NetlinkAttribute attribute in data)
        {
            kind = attribute.As<IFLA_VLAN>() switch
            {
                IFLA_VLAN.ID => kind with { Id = attribute.GetU16() },
                IFLA_VLAN.PROTOCOL => kind with { Protocol = attribute.GetU16BigEndian() },
                _ => kind,
            };
        }

        return kind;
    }
}
