using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route.Kinds;

/// <summary>
/// A link with an address of its own on its parent (<see cref="LinkRequest.Parent"/>). Equivalent to
/// <c>ip link add NAME link PARENT type macvlan mode MODE [nopromisc] [bcqueuelen N] [bclim N]</c>. Kernel: drivers/net/macvlan.c.
/// </summary>
public sealed record MacvlanKind : ILinkKind
{
    /// <inheritdoc/>
    public string Kind => "macvlan";

    /// <summary>Whom it talks to; IFLA_MACVLAN_MODE (u32).</summary>
    public required MACVLAN_MODE Mode { get; init; }

    /// <summary>IFLA_MACVLAN_FLAGS (u16): <c>nopromisc</c> keeps a passthru parent out of promiscuous mode.</summary>
    public MACVLAN_FLAG Flags { get; init; }

    /// <summary>
    /// Broadcast packets that may wait (u32), the largest wish of all links of one parent; null: the kernel's 1000. IFLA_MACVLAN_BC_QUEUE_LEN,
    /// since Linux 5.11; older kernels pass it over.
    /// </summary>
    public uint? BroadcastQueueLength { get; init; }

    /// <summary>
    /// From how many links on a multicast group's packets go through the queue (s32; -1: never); null: the kernel's 1.
    /// IFLA_MACVLAN_BC_CUTOFF, since Linux 6.4; older kernels pass it over.
    /// </summary>
    public int? BroadcastCutoff { get; init; }

    /// <summary>In source mode: the senders whose packets it gets.</summary>
    public IReadOnlyList<MacAddress> Sources { get; init; } = [];

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<IFLA_INFO> info)
    {
        using (info.Nest(IFLA_INFO.DATA, out AttributeWriter<IFLA_MACVLAN> data))
        {
            data.PutU32(IFLA_MACVLAN.MODE, (uint)Mode);
            if (Flags != MACVLAN_FLAG.NONE)
            {
                data.PutU16(IFLA_MACVLAN.FLAGS, (ushort)Flags);
            }

            if (BroadcastQueueLength is uint length)
            {
                data.PutU32(IFLA_MACVLAN.BC_QUEUE_LEN, length);
            }

            if (BroadcastCutoff is int cutoff)
            {
                data.PutS32(IFLA_MACVLAN.BC_CUTOFF, cutoff);
            }

            if (Sources.Count > 0)
            {
                WriteSources(data);
            }
        }
    }

    internal static MacvlanKind Parse(AttributeReader data)
    {
        MacvlanKind kind = new() { Mode = 0 };
        foreach (NetlinkAttribute attribute in data)
        {
            kind = attribute.As<IFLA_MACVLAN>() switch
            {
                IFLA_MACVLAN.MODE => kind with { Mode = (MACVLAN_MODE)attribute.GetU32() },
                IFLA_MACVLAN.FLAGS => kind with { Flags = (MACVLAN_FLAG)attribute.GetU16() },
                IFLA_MACVLAN.BC_QUEUE_LEN => kind with { BroadcastQueueLength = attribute.GetU32() },
                IFLA_MACVLAN.BC_CUTOFF => kind with { BroadcastCutoff = attribute.GetS32() },
                IFLA_MACVLAN.MACADDR_DATA => kind with { Sources = ParseSources(attribute.Nested) },
                _ => kind,
            };
        }

        return kind;
    }

    private static List<MacAddress> ParseSources(AttributeReader list)
    {
        List<MacAddress> sources = [];
        foreach (NetlinkAttribute attribute in list)
        {
            if (attribute.As<IFLA_MACVLAN>() == IFLA_MACVLAN.MACADDR)
            {
                sources.Add(attribute.GetMac());
            }
        }

        return sources;
    }

    private void WriteSources(AttributeWriter<IFLA_MACVLAN> data)
    {
        data.PutU32(IFLA_MACVLAN.MACADDR_MODE, (uint)MACVLAN_MACADDR.SET);
        using (data.Nest(IFLA_MACVLAN.MACADDR_DATA, out AttributeWriter<IFLA_MACVLAN> list))
        {
            for (int i = 0; i < Sources.Count; i++)
            {
                list.PutMac(IFLA_MACVLAN.MACADDR, Sources[i]);
            }
        }
    }
}
