using System.Text;
using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <content>Links.</content>
public sealed partial class RouteConnection
{
    /// <summary>The interface of that name or alternative name; null if there is none. <c>ip link show NAME</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public Link? FindLink(string name)
    {
        NetlinkMessage<IFLA> request = Request<IfInfoMsg, IFLA>((ushort)RTM.GETLINK, 0, default);
        request.Attributes.PutString(NameAttribute(name), name);
        request.Attributes.PutU32(IFLA.EXT_MASK, (uint)RTEXT_FILTER.SKIP_STATS);
        return Find<IFLA, Link>(request, LinkParser.Parse, name);
    }

    /// <summary>The interface of that number; null if there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public Link? FindLink(InterfaceIndex index)
    {
        NetlinkMessage<IFLA> request = Request<IfInfoMsg, IFLA>((ushort)RTM.GETLINK, 0, new IfInfoMsg { Index = index.Value });
        request.Attributes.PutU32(IFLA.EXT_MASK, (uint)RTEXT_FILTER.SKIP_STATS);
        return Find<IFLA, Link>(request, LinkParser.Parse, $"index {index}");
    }

    /// <summary>The interface of that name.</summary>
    /// <exception cref="NetlinkException">ENODEV: there is none.</exception>
    public Link GetLink(string name) => FindLink(name) ?? throw Absent(name);

    /// <summary>The interface of that number.</summary>
    /// <exception cref="NetlinkException">ENODEV: there is none.</exception>
    public Link GetLink(InterfaceIndex index) => FindLink(index) ?? throw Absent($"index {index}");

    /// <summary>All interfaces of the namespace. <c>ip link show</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<Link> ListLinks()
    {
        NetlinkMessage<IFLA> request = Request<IfInfoMsg, IFLA>((ushort)RTM.GETLINK, NLM_F.DUMP, default);
        request.Attributes.PutU32(IFLA.EXT_MASK, (uint)RTEXT_FILTER.SKIP_STATS);
        return Dump<IFLA, Link>(request, LinkParser.Parse, "all links");
    }

    /// <summary>Makes a link. <c>ip link add</c>.</summary>
    /// <exception cref="NetlinkException">EEXIST: the name (or the peer's) is taken; EOPNOTSUPP: the kernel lacks the kind.</exception>
    public void AddLink(LinkRequest link)
    {
        IfInfoMsg header = link.Up ? new IfInfoMsg { Flags = (uint)IFF.UP, Change = (uint)IFF.UP } : default;
        NetlinkMessage<IFLA> request = Request<IfInfoMsg, IFLA>((ushort)RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, header);
        link.Write(request.Attributes);
        Execute(request, link.Name);
    }

    /// <summary>Brings an interface up. <c>ip link set DEV up</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetUp(InterfaceIndex index) => SetFlags(index, IFF.UP, IFF.UP);

    /// <summary>Takes an interface down. <c>ip link set DEV down</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetDown(InterfaceIndex index) => SetFlags(index, 0, IFF.UP);

    /// <summary>Lets the interface take every frame, or not. <c>ip link set DEV promisc on</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetPromiscuous(InterfaceIndex index, bool on) => SetFlags(index, on ? IFF.PROMISC : 0, IFF.PROMISC);

    /// <summary>Lets the interface take every multicast frame, or not. <c>ip link set DEV allmulticast on</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetAllMulticast(InterfaceIndex index, bool on) => SetFlags(index, on ? IFF.ALLMULTI : 0, IFF.ALLMULTI);

    /// <summary>Sets the MTU in bytes. <c>ip link set DEV mtu N</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetMtu(InterfaceIndex index, int mtu)
    {
        NetlinkMessage<IFLA> request = LinkChange(index);
        request.Attributes.PutU32(IFLA.MTU, (uint)mtu);
        Execute(request, $"mtu of index {index}");
    }

    /// <summary>Sets how many packets may wait to be sent. <c>ip link set DEV txqueuelen N</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetTxQueueLength(InterfaceIndex index, uint packets)
    {
        NetlinkMessage<IFLA> request = LinkChange(index);
        request.Attributes.PutU32(IFLA.TXQLEN, packets);
        Execute(request, $"txqueuelen of index {index}");
    }

    /// <summary>Renames an interface. <c>ip link set DEV name NAME</c>.</summary>
    /// <exception cref="NetlinkException">EEXIST: the name is taken; EBUSY: it is up, and the kernel older than 6.2.</exception>
    public void SetName(InterfaceIndex index, string name)
    {
        NetlinkMessage<IFLA> request = LinkChange(index);
        request.Attributes.PutString(IFLA.IFNAME, name);
        Execute(request, name);
    }

    /// <summary>Sets the text for people, up to 255 bytes; empty: takes it away. <c>ip link set DEV alias TEXT</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetAlias(InterfaceIndex index, string alias)
    {
        NetlinkMessage<IFLA> request = LinkChange(index);
        request.Attributes.PutBytes(IFLA.IFALIAS, Encoding.UTF8.GetBytes(alias));
        Execute(request, $"alias of index {index}");
    }

    /// <summary>Enslaves an interface; null: sets it free. <c>ip link set DEV master MASTER</c>, <c>nomaster</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetMaster(InterfaceIndex index, InterfaceIndex? master)
    {
        NetlinkMessage<IFLA> request = LinkChange(index);
        request.Attributes.PutS32(IFLA.MASTER, master?.Value ?? 0);
        Execute(request, $"master of index {index}");
    }

    /// <summary>
    /// Moves an interface to another namespace and names it at the same time, so that neither name has to be free in both. It arrives down.
    /// <c>ip link set DEV netns NS name NAME</c>.
    /// </summary>
    /// <exception cref="NetlinkException">EEXIST: the name is taken there; EINVAL: it cannot be moved.</exception>
    public void SetNamespace(InterfaceIndex index, NetworkNamespace target, string name)
    {
        NetlinkMessage<IFLA> request = LinkChange(index);
        request.Attributes.PutS32(IFLA.NET_NS_FD, target.Descriptor);
        request.Attributes.PutString(IFLA.IFNAME, name);
        Execute(request, name);
    }

    /// <summary>
    /// Sets the link-layer address. Set to what it is already, it makes the kernel announce the interface's addresses (if arp_notify or
    /// ndisc_notify are on), or keeps a bridge from taking the lowest address of its ports.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetMac(InterfaceIndex index, MacAddress mac)
    {
        NetlinkMessage<IFLA> request = LinkChange(index);
        request.Attributes.PutMac(IFLA.ADDRESS, mac);
        Execute(request, $"address of index {index}");
    }

    /// <summary>Gives the interface another name beside its own, up to 127 bytes. <c>ip link property add DEV altname NAME</c>.</summary>
    /// <exception cref="NetlinkException">EEXIST: the name is taken.</exception>
    public void AddAlternativeName(InterfaceIndex index, string name)
    {
        NetlinkMessage<IFLA> request = Request<IfInfoMsg, IFLA>(
            (ushort)RTM.NEWLINKPROP, NLM_F.CREATE | NLM_F.EXCL, new IfInfoMsg { Index = index.Value });
        using (request.Attributes.Nest(IFLA.PROP_LIST, out AttributeWriter<IFLA> properties))
        {
            properties.PutString(IFLA.ALT_IFNAME, name);
        }

        Execute(request, name);
    }

    /// <summary>
    /// Announces addresses by gratuitous ARP when the interface comes up or its link-layer address is set: net/ipv4/conf/DEV/arp_notify,
    /// by IFLA_INET_CONF and so without /proc/sys.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetUpAnnouncing(InterfaceIndex index)
    {
        NetlinkMessage<IFLA> request = LinkChange(index, IFF.UP, IFF.UP);
        WriteIpv4Setting(request.Attributes, IPV4_DEVCONF.ARP_NOTIFY, 1);
        Execute(request, $"index {index}");
    }

    /// <summary>Lets packets from and to 127.0.0.0/8 be routed over the interface, or not: net/ipv4/conf/DEV/route_localnet.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void SetRouteLocalnet(InterfaceIndex index, bool allowed)
    {
        NetlinkMessage<IFLA> request = LinkChange(index);
        WriteIpv4Setting(request.Attributes, IPV4_DEVCONF.ROUTE_LOCALNET, allowed ? 1u : 0u);
        Execute(request, $"index {index}");
    }

    /// <summary>Deletes an interface; a veth takes its peer along. <c>ip link del DEV</c>.</summary>
    /// <returns>False when it was gone already.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool TryDeleteLink(InterfaceIndex index)
    {
        NetlinkMessage<IFLA> request = Request<IfInfoMsg, IFLA>((ushort)RTM.DELLINK, 0, new IfInfoMsg { Index = index.Value });
        return TryExecute(request, $"index {index}", Errno.ENODEV);
    }

    private static IFLA NameAttribute(string name) => Encoding.UTF8.GetByteCount(name) > 15 ? IFLA.ALT_IFNAME : IFLA.IFNAME;

    private static NetlinkException Absent(string subject) => new(Errno.ENODEV, $"RTM_GETLINK {subject}", null, null);

    private static void WriteIpv4Setting(AttributeWriter<IFLA> link, IPV4_DEVCONF setting, uint value)
    {
        using (link.Nest(IFLA.AF_SPEC, out AttributeWriter<IFLA> families))
        using (families.NestNumbered(AddressFamilyNumber.Inet, out AttributeWriter<IFLA_INET> inet))
        using (inet.Nest(IFLA_INET.CONF, out AttributeWriter<IPV4_DEVCONF> settings))
        {
            settings.PutU32(setting, value);
        }
    }

    private void SetFlags(InterfaceIndex index, IFF flags, IFF change) => Execute(LinkChange(index, flags, change), $"index {index}");

    private NetlinkMessage<IFLA> LinkChange(InterfaceIndex index, RTM type) =>
        Request<IfInfoMsg, IFLA>((ushort)type, 0, new IfInfoMsg { Index = index.Value });

    private NetlinkMessage<IFLA> LinkChange(InterfaceIndex index, IFF flags = 0, IFF change = 0) => Request<IfInfoMsg, IFLA>(
        (ushort)RTM.SETLINK, 0, new IfInfoMsg { Index = index.Value, Flags = (uint)flags, Change = (uint)change });
}
