using System.Net;
using CniPlugins.Netlink;
using CniPlugins.Nftables;
using CniPlugins.Nftables.Expressions;
using CniPlugins.Nftables.Uapi;
using static CniPlugins.Nftables.NftDataType;

namespace CniPlugins.Publishing;

/// <summary>
/// The table <c>bridge cni_plugins</c>: a frame that comes in by a guarded port must have the source address that belongs to it; by a bound port, what is in
/// the frame must be the container's as well. Apart from the other table because only the bridge family sees frames that are switched and not routed.
/// </summary>
public static class SpoofCheck
{
    private const ushort Ipv4 = 0x0800;    // ETH_P_*, linux/if_ether.h
    private const ushort Arp = 0x0806;
    private const ushort Ipv6 = 0x86dd;

    internal static readonly NftTable Table = new(NFPROTO.BRIDGE, "cni_plugins");

    internal static readonly NftSet Guarded = new(Table, "guarded", [InterfaceName]);

    internal static readonly NftSet Allowed = new(Table, "allowed", [InterfaceName, EtherAddress]);

    internal static readonly NftSet Bound = new(Table, "bound", [InterfaceName]);

    internal static readonly NftSet Sources4 = new(Table, "sources4", [InterfaceName, Ipv4Address]);

    internal static readonly NftSet Sources6 = new(Table, "sources6", [InterfaceName, Ipv6Address]);

    private static readonly NftChain s_prerouting = new(Table, "prerouting") { Hook = new NftHook("filter", NF_INET.PRE_ROUTING, -300) };
    private static readonly NftChain s_sources = new(Table, "sources");

    /// <summary>All its sets: their elements name an attachment in their comment.</summary>
    internal static IReadOnlyList<NftSet> Sets => [Guarded, Allowed, Bound, Sources4, Sources6];

    /// <summary>How many rules there are.</summary>
    internal static int RuleCount => Rules().Count;

    /// <summary>The two elements that tie a host-side interface to its container's link-layer address.</summary>
    public static IReadOnlyList<RuleElement> Elements(string hostInterface, MacAddress mac, string comment)
    {
        byte[] allowed = new byte[24];   // name 16, address 6, padding 2
        Name(hostInterface).ToArray().CopyTo(allowed, 0);
        mac.WriteTo(allowed.AsSpan(16));
        return
        [
            new RuleElement(Guarded.Name, new NftElement(Name(hostInterface).ToArray()) { Comment = comment }),
            new RuleElement(Allowed.Name, new NftElement(allowed) { Comment = comment }),
        ];
    }

    /// <summary>The elements that tie a host-side interface to its container's IP addresses, beside <see cref="Elements"/>.</summary>
    public static IReadOnlyList<RuleElement> SourceElements(string hostInterface, IReadOnlyList<IPAddress> addresses, string comment)
    {
        List<RuleElement> elements = [new RuleElement(Bound.Name, new NftElement(Name(hostInterface).ToArray()) { Comment = comment })];
        foreach (IPAddress address in addresses)
        {
            NftSet set = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? Sources4 : Sources6;
            elements.Add(new RuleElement(set.Name, new NftElement(Name(hostInterface).Add(address).ToArray()) { Comment = comment }));
        }

        return elements;
    }

    internal static NftSet? FindSet(string name)
    {
        foreach (NftSet set in Sets)
        {
            if (set.Name == name)
            {
                return set;
            }
        }

        return null;
    }

    internal static void Create(NftTransaction transaction)
    {
        transaction.AddTable(Table, "made by the CNI plugins; elements carry network, container and interface");
        foreach (NftSet set in Sets)
        {
            transaction.AddSet(set);
        }

        transaction.AddChain(s_sources);
        transaction.AddChain(s_prerouting);
        foreach (NftRule rule in Rules())
        {
            transaction.AddRule(rule);
        }
    }

    private static List<NftRule> Rules() =>
    [
        new NftRule(s_prerouting, "source addresses that are not the container's", [
            new Meta(NFT_META.IIFNAME, NFT.REG32_00), new Lookup(Guarded, NFT.REG32_00), .. Source(NFT_PAYLOAD.LL_HEADER, 6, 6, Allowed, inverted: true), Verdict.Drop]),
        new NftRule(s_prerouting, null, [
            new Meta(NFT_META.IIFNAME, NFT.REG32_00), new Lookup(Bound, NFT.REG32_00), Verdict.Jump(s_sources)]),

        // A tag is taken off before this hook, so that meta protocol shows what is under it: tagged frames go first.
        new NftRule(s_sources, "no tag", [.. EtherType(0x8100), Verdict.Drop]),
        new NftRule(s_sources, "no tag", [.. EtherType(0x88a8), Verdict.Drop]),

        // RFC 826: sender's link-layer address at 8, its IP address at 14, where the header's beginning says Ethernet and IPv4. 0.0.0.0 is a probe (RFC 5227).
        new NftRule(s_sources, null, [
            .. EtherType(Arp), .. Source(NFT_PAYLOAD.NETWORK_HEADER, 8, 6, Allowed, inverted: true), Verdict.Drop]),
        new NftRule(s_sources, null, [
            .. ArpOfIpv4(), new Payload(NFT_PAYLOAD.NETWORK_HEADER, 14, 4, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, new byte[4]), Verdict.Accept]),
        new NftRule(s_sources, null, [.. ArpOfIpv4(), .. Source(NFT_PAYLOAD.NETWORK_HEADER, 14, 4, Sources4), Verdict.Accept]),
        new NftRule(s_sources, null, [.. Protocol(Ipv4), .. Source(NFT_PAYLOAD.NETWORK_HEADER, 12, 4, Sources4), Verdict.Accept]),

        // Link-local sources pass below, and with them anybody could pass for the gateway (RFC 4861 sections 4.2 and 4.5).
        new NftRule(s_sources, "containers are no routers", [.. EtherType(Ipv6), .. Icmpv6(134), Verdict.Drop]),
        new NftRule(s_sources, "containers are no routers", [.. EtherType(Ipv6), .. Icmpv6(137), Verdict.Drop]),

        // What an advertisement claims stands in its target (RFC 4861 section 4.4), not in its source. In fragments the kernel takes none (RFC 6980).
        new NftRule(s_sources, "neighbour advertisements for others", [
            .. EtherType(Ipv6), .. Icmpv6(136), .. LinkLocal(new Payload(NFT_PAYLOAD.TRANSPORT_HEADER, 8, 16, NFT.REG32_00), NFT_CMP.NEQ),
            .. Source(NFT_PAYLOAD.TRANSPORT_HEADER, 8, 16, Sources6, inverted: true), Verdict.Drop]),
        new NftRule(s_sources, null, [.. Protocol(Ipv6), .. Source(NFT_PAYLOAD.NETWORK_HEADER, 8, 16, Sources6), Verdict.Accept]),
        new NftRule(s_sources, null, [.. Protocol(Ipv6), .. LinkLocal(Payload.Ipv6Source(NFT.REG32_00), NFT_CMP.EQ), Verdict.Accept]),

        // Duplicate address detection has no source yet.
        new NftRule(s_sources, null, [
            .. Protocol(Ipv6), Payload.Ipv6Source(NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, new byte[16]), Verdict.Accept]),
        new NftRule(s_sources, "everything else", [Verdict.Drop]),
    ];

    private static NftKey Name(string hostInterface) => new NftKey().AddInterfaceName(hostInterface);

    /// <summary>As it stands in the frame.</summary>
    private static IExpression[] EtherType(ushort type) =>
        [new Payload(NFT_PAYLOAD.LL_HEADER, 12, 2, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, [(byte)(type >> 8), (byte)(type & 0xff)])];

    /// <summary>As the kernel knows it.</summary>
    private static IExpression[] Protocol(ushort type) =>
        [new Meta(NFT_META.PROTOCOL, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, [(byte)(type >> 8), (byte)(type & 0xff)])];

    private static IExpression[] ArpOfIpv4() =>
    [
        .. EtherType(Arp),
        new Payload(NFT_PAYLOAD.NETWORK_HEADER, 0, 4, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, [0, 1, 0x08, 0]),
        new Payload(NFT_PAYLOAD.NETWORK_HEADER, 4, 2, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, [6, 4]),
    ];

    private static IExpression[] Icmpv6(byte type) =>
    [
        new Meta(NFT_META.L4PROTO, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, [58 /* IPPROTO_ICMPV6 */]),
        new Payload(NFT_PAYLOAD.TRANSPORT_HEADER, 0, 1, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, [type]),
    ];

    /// <summary>fe80::/10.</summary>
    private static IExpression[] LinkLocal(Payload address, NFT_CMP comparison)
    {
        byte[] mask = new byte[16];
        byte[] network = new byte[16];
        (mask[0], mask[1], network[0], network[1]) = (0xff, 0xc0, 0xfe, 0x80);
        return [address, new Bitwise(NFT.REG32_00, mask), new Compare(NFT.REG32_00, comparison, network)];
    }

    /// <summary>The port and an address in the frame are, or are not, in the set.</summary>
    private static IExpression[] Source(NFT_PAYLOAD header, uint offset, uint length, NftSet set, bool inverted = false) =>
    [
        new Meta(NFT_META.IIFNAME, NFT.REG32_00), new Payload(header, offset, length, NFT.REG32_04), new Lookup(set, NFT.REG32_00, Invert: inverted),
    ];
}
