using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route.Kinds;

/// <summary>
/// A master whose links use a routing table of their own. Equivalent to <c>ip link add NAME type vrf table N</c>. Kernel: drivers/net/vrf.c.
/// </summary>
/// <param name="Table">IFLA_VRF_TABLE (u32).</param>
public sealed record VrfKind(uint Table) : ILinkKind
{
    /// <inheritdoc/>
    public string Kind => "vrf";

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<IFLA_INFO> info)
    {
        using (info.Nest(IFLA_INFO.DATA, out AttributeWriter<IFLA_VRF> data))
        {
            data.PutU32(IFLA_VRF.TABLE, Table);
        }
    }

    internal static VrfKind Parse(AttributeReader data)
    {
        uint table = 0;
        foreach (NetlinkAttribute attribute in data)
        {
            table = attribute.As<IFLA_VRF>() == IFLA_VRF.TABLE ? attribute.GetU32() : table;
        }

        return new VrfKind(table);
    }
}
