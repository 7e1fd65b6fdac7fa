using CniPlugins.Linux;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <content>Bridges' ports and VLANs.</content>
public sealed partial class RouteConnection
{
    /// <summary>Sets a bridge port's flags. <c>bridge link set dev DEV hairpin on isolated on</c>.</summary>
    /// <exception cref="NetlinkException">EINVAL: the interface is no bridge's port.</exception>
    public void SetBridgePort(InterfaceIndex port, bool hairpin, bool isolated)
    {
        NetlinkMessage<IFLA> request = PortChange(RTM.SETLINK, port);
        using (request.Attributes.Nest(IFLA.PROTINFO, out AttributeWriter<IFLA_BRPORT> settings))
        {
            settings.PutU8(IFLA_BRPORT.MODE, hairpin ? (byte)1 : (byte)0);
            settings.PutU8(IFLA_BRPORT.ISOLATED, isolated ? (byte)1 : (byte)0);
        }

        Execute(request, $"port {port}");
    }

    /// <summary>Makes a bridge tell VLANs apart. <c>ip link set DEV type bridge vlan_filtering 1</c>.</summary>
    /// <exception cref="NetlinkException">EOPNOTSUPP: the kernel is built without VLAN filtering.</exception>
    public void SetVlanFiltering(InterfaceIndex bridge)
    {
        NetlinkMessage<IFLA> request = LinkChange(bridge, RTM.NEWLINK);
        using (request.Attributes.Nest(IFLA.LINKINFO, out AttributeWriter<IFLA_INFO> info))
        {
            ILinkKind kind = new BridgeKind(VlanFiltering: true);
            info.PutString(IFLA_INFO.KIND, kind.Kind);
            kind.WriteData(info);
        }

        Execute(request, $"index {bridge}");
    }

    /// <summary>Lets VLANs through a port. <c>bridge vlan add dev DEV vid FIRST-LAST [pvid untagged]</c>.</summary>
    /// <exception cref="NetlinkException">EOPNOTSUPP: the kernel is built without VLAN filtering.</exception>
    public void AddPortVlans(InterfaceIndex port, VlanRange vlans, bool pvidUntagged) =>
        Execute(
            VlanChange(RTM.SETLINK, port, vlans, pvidUntagged ? BRIDGE_VLAN_INFO.PVID | BRIDGE_VLAN_INFO.UNTAGGED : 0),
            $"vlan {vlans} of port {port}");

    /// <summary>Takes VLANs off a port; false when it carried none of them. <c>bridge vlan del dev DEV vid FIRST-LAST</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool TryDeletePortVlans(InterfaceIndex port, VlanRange vlans) =>
        TryExecute(VlanChange(RTM.DELLINK, port, vlans, 0), $"vlan {vlans} of port {port}", Errno.ENOENT);

    /// <summary>The VLANs of all ports of the namespace. <c>bridge vlan show</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<PortVlan> ListPortVlans(InterfaceIndex port)
    {
        NetlinkMessage<IFLA> request = Request<IfInfoMsg, IFLA>(
            (ushort)RTM.GETLINK, NLM_F.DUMP, new IfInfoMsg { Family = AddressFamilyNumber.Bridge });
        request.Attributes.PutU32(IFLA.EXT_MASK, (uint)RTEXT_FILTER.BRVLAN);
        List<PortVlan> vlans = [];
        foreach (List<PortVlan> found in Dump<IFLA, List<PortVlan>>(request, reply => ParseVlans(reply, port), "vlans"))
        {
            vlans.AddRange(found);
        }

        return vlans;
    }

    private static List<PortVlan>? ParseVlans(NetlinkReply reply, InterfaceIndex port)
    {
        if (reply.HeaderAs<IfInfoMsg>().Index != port.Value)
        {
            return null;
        }

        List<PortVlan> vlans = [];
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<IfInfoMsg>())
        {
            if (attribute.As<IFLA>() != IFLA.AF_SPEC)
            {
                continue;
            }

            foreach (NetlinkAttribute vlan in attribute.Nested)
            {
                if (vlan.As<IFLA_BRIDGE>() == IFLA_BRIDGE.VLAN_INFO)
                {
                    BridgeVlanInfo info = vlan.GetStruct<BridgeVlanInfo>();
                    BRIDGE_VLAN_INFO flags = (BRIDGE_VLAN_INFO)info.Flags;
                    vlans.Add(new PortVlan(info.Vid, (flags & BRIDGE_VLAN_INFO.PVID) != 0, (flags & BRIDGE_VLAN_INFO.UNTAGGED) != 0));
                }
            }
        }

        return vlans;
    }

    private NetlinkMessage<IFLA> VlanChange(RTM type, InterfaceIndex port, VlanRange vlans, BRIDGE_VLAN_INFO flags)
    {
        NetlinkMessage<IFLA> request = PortChange(type, port);
        using (request.Attributes.Nest(IFLA.AF_SPEC, out AttributeWriter<IFLA_BRIDGE> spec))
        {
            bool range = vlans.First != vlans.Last;
            PutVlan(spec, vlans.First, range ? flags | BRIDGE_VLAN_INFO.RANGE_BEGIN : flags);
            if (range)
            {
                PutVlan(spec, vlans.Last, flags | BRIDGE_VLAN_INFO.RANGE_END);
            }
        }

        return request;
    }

    private static void PutVlan(AttributeWriter<IFLA_BRIDGE> spec, ushort id, BRIDGE_VLAN_INFO flags) =>
        spec.PutStruct(IFLA_BRIDGE.VLAN_INFO, new BridgeVlanInfo { Flags = (ushort)flags, Vid = id });

    private NetlinkMessage<IFLA> PortChange(RTM type, InterfaceIndex port) => Request<IfInfoMsg, IFLA>(
        (ushort)type, 0, new IfInfoMsg { Family = AddressFamilyNumber.Bridge, Index = port.Value });
}
