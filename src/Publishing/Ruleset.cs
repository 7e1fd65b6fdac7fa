using CniPlugins.Nftables;
using CniPlugins.Nftables.Expressions;
using CniPlugins.Nftables.Uapi;
using static CniPlugins.Nftables.NftDataType;

namespace CniPlugins.Publishing;

/// <summary>
/// The table <c>inet cni_plugins</c>: a fixed number of chains and rules, whatever the scale. What grows are the elements of its sets and maps.
/// <c>nft list table inet cni_plugins</c> shows all of it; docs/ARCHITECTURE.md explains the way of a packet.
/// </summary>
internal static class Ruleset
{
    private const uint LocalAddress = 2;        // RTN_LOCAL, what fib daddr type answers for the host's own addresses
    private const uint LoopbackIndex = 1;       // LOOPBACK_IFINDEX, in every namespace
    private const uint Established = 1 << 1;    // ct state bits: NF_CT_STATE_BIT(IP_CT_ESTABLISHED) and RELATED
    private const uint Related = 1 << 2;

    public static readonly NftTable Table = new(NFPROTO.INET, "cni_plugins");

    /// <summary>Published on one host address.</summary>
    public static readonly NftSet Published4 = Map("published4", [Ipv4Address, InetProtocol, InetService], [Ipv4Address, InetService]);

    /// <inheritdoc cref="Published4"/>
    public static readonly NftSet Published6 = Map("published6", [Ipv6Address, InetProtocol, InetService], [Ipv6Address, InetService]);

    /// <summary>Published on every host address.</summary>
    public static readonly NftSet PublishedAny4 = Map("published_any4", [InetProtocol, InetService], [Ipv4Address, InetService]);

    /// <inheritdoc cref="PublishedAny4"/>
    public static readonly NftSet PublishedAny6 = Map("published_any6", [InetProtocol, InetService], [Ipv6Address, InetService]);

    /// <summary>Subnet and bridge: traffic from the one that leaves by the other stays within its network.</summary>
    public static readonly NftSet Networks4 = Intervals("networks4", [Ipv4Address, InterfaceName]);

    /// <inheritdoc cref="Networks4"/>
    public static readonly NftSet Networks6 = Intervals("networks6", [Ipv6Address, InterfaceName]);

    /// <summary>Container addresses that leave their network by the host's address.</summary>
    public static readonly NftSet Masqueraded4 = new(Table, "masqueraded4", [Ipv4Address]);

    /// <inheritdoc cref="Masqueraded4"/>
    public static readonly NftSet Masqueraded6 = new(Table, "masqueraded6", [Ipv6Address]);

    /// <summary>Container addresses that leave their network by this address, instead of one that the kernel chooses.</summary>
    public static readonly NftSet Outbound4 = Map("outbound4", [Ipv4Address], [Ipv4Address]);

    /// <inheritdoc cref="Outbound4"/>
    public static readonly NftSet Outbound6 = Map("outbound6", [Ipv6Address], [Ipv6Address]);

    /// <summary>Container addresses that nobody beyond their network has reason to write on a packet.</summary>
    public static readonly NftSet Enclosed4 = new(Table, "enclosed4", [Ipv4Address]);

    /// <inheritdoc cref="Enclosed4"/>
    public static readonly NftSet Enclosed6 = new(Table, "enclosed6", [Ipv6Address]);

    /// <summary>Containers' ports that see this host's address, whoever comes by a published port.</summary>
    public static readonly NftSet MasqueradedPorts4 = new(Table, "masqueraded_ports4", [Ipv4Address, InetProtocol, InetService]);

    /// <inheritdoc cref="MasqueradedPorts4"/>
    public static readonly NftSet MasqueradedPorts6 = new(Table, "masqueraded_ports6", [Ipv6Address, InetProtocol, InetService]);

    /// <summary>From where, and to which of the host's addresses, a port that is published is not: source, destination, protocol, port.</summary>
    public static readonly NftSet Refused4 = Intervals("refused4", [Ipv4Address, Ipv4Address, InetProtocol, InetService]);

    /// <inheritdoc cref="Refused4"/>
    public static readonly NftSet Refused6 = Intervals("refused6", [Ipv6Address, Ipv6Address, InetProtocol, InetService]);

    /// <summary>
    /// Published on an address of 127.0.0.0/8 by translation of packets. The others are served at the socket (<see cref="Loopback.LoopbackPorts"/>): they are in
    /// <see cref="Published4"/> alone, so that nobody else gets the port.
    /// </summary>
    public static readonly NftSet Loopback4 = Map("loopback4", [Ipv4Address, InetProtocol, InetService], [Ipv4Address, InetService]);

    /// <summary>Published on every host address, and on 127.0.0.0/8 by translation of packets.</summary>
    public static readonly NftSet LoopbackAny4 = Map("loopback_any4", [InetProtocol, InetService], [Ipv4Address, InetService]);

    /// <summary>Bridges that nobody outside opens a connection into.</summary>
    public static readonly NftSet Isolated = new(Table, "isolated", [InterfaceName]);

    /// <summary>Bridges whose containers open no connection beyond this host.</summary>
    public static readonly NftSet Internal = new(Table, "internal", [InterfaceName]);

    /// <summary>Bridge and the same bridge again: traffic that comes and goes by one of them.</summary>
    public static readonly NftSet Inside = new(Table, "inside", [InterfaceName, InterfaceName]);

    /// <summary>Bridge and the same bridge again, where its containers do not reach each other.</summary>
    public static readonly NftSet Apart = new(Table, "apart", [InterfaceName, InterfaceName]);

    private static readonly NftChain s_guard = Base("guard", "filter", NF_INET.PRE_ROUTING, -300);
    private static readonly NftChain s_prerouting = Base("prerouting", "nat", NF_INET.PRE_ROUTING, -100);
    private static readonly NftChain s_output = Base("output", "nat", NF_INET.LOCAL_OUT, -100);
    private static readonly NftChain s_forward = Base("forward", "filter", NF_INET.FORWARD, 0);
    private static readonly NftChain s_postrouting = Base("postrouting", "nat", NF_INET.POST_ROUTING, 100);
    private static readonly NftChain s_published = new(Table, "published");
    private static readonly NftChain s_loopback = new(Table, "loopback");

    private static readonly NftSet[] s_sets =
    [
        Published4, Published6, PublishedAny4, PublishedAny6, Networks4, Networks6, Masqueraded4, Masqueraded6,
        Outbound4, Outbound6, Enclosed4, Enclosed6, MasqueradedPorts4, MasqueradedPorts6, Refused4, Refused6, Loopback4, LoopbackAny4,
        Isolated, Internal, Inside, Apart,
    ];

    /// <summary>Adds the table, its sets, chains and rules. The table must not be there.</summary>
    public static void Create(NftTransaction transaction)
    {
        transaction.AddTable(Table, "made by the CNI plugins; elements carry network, container and interface");
        foreach (NftSet set in s_sets)
        {
            transaction.AddSet(set);
        }

        foreach (NftChain chain in (ReadOnlySpan<NftChain>)[s_loopback, s_published, s_guard, s_prerouting, s_output, s_forward, s_postrouting])
        {
            transaction.AddChain(chain);
        }

        foreach (NftRule rule in Rules())
        {
            transaction.AddRule(rule);
        }
    }

    /// <summary>All sets and maps.</summary>
    public static IReadOnlyList<NftSet> Sets => s_sets;

    /// <summary>The set of that name; null if there is none.</summary>
    public static NftSet? FindSet(string name) => Array.Find(s_sets, set => set.Name == name);

    /// <summary>Whether attachments that know nothing of each other may want the same element of the set.</summary>
    public static bool IsContested(NftSet set) =>
        set == Published4 || set == Published6 || set == PublishedAny4 || set == PublishedAny6 || set == Masqueraded4 || set == Masqueraded6
        || set == MasqueradedPorts4 || set == MasqueradedPorts6 || set == Outbound4 || set == Outbound6 || set == Enclosed4 || set == Enclosed6
        || set == Loopback4 || set == LoopbackAny4;

    /// <summary>The sets whose elements name an attachment in their comment.</summary>
    public static IReadOnlyList<NftSet> OwnedSets =>
    [
        Published4, Published6, PublishedAny4, PublishedAny6, Masqueraded4, Masqueraded6, MasqueradedPorts4, MasqueradedPorts6, Refused4, Refused6,
        Outbound4, Outbound6, Enclosed4, Enclosed6,
        Loopback4, LoopbackAny4,
    ];

    /// <summary>How many rules there are; fewer in the kernel means that somebody flushed them.</summary>
    public static int RuleCount => Rules().Count;

    private static List<NftRule> Rules() =>
    [
        // Before conntrack (-200): with route_localnet=1 on a bridge, what a container or a neighbour sends to 127.0.0.1 would be routed.
        new NftRule(
            s_guard, "loopback addresses are reached from loopback only",
            [.. NotFromLoopbackInterface(), .. Ipv4(), .. Loopback(Payload.Ipv4Destination), Verdict.Drop]),

        // route_localnet lifts the kernel's check of sources as well (ip_route_input_slow): a container must not pass for this host.
        new NftRule(
            s_guard, "and are nobody else's",
            [.. NotFromLoopbackInterface(), .. Ipv4(), .. Loopback(Payload.Ipv4Source), Verdict.Drop]),

        // What is published is addressed to this host here, and so are replies to what was masqueraded: nothing else has business with such a container
        // from outside, and it is not to fill conntrack either. Not for isolated networks without masquerade: replies to their routed traffic come
        // addressed to the container, and are not known as replies yet. There the forward chain does it.
        new NftRule(s_guard, "containers that are known by this host's address alone", [
            .. Ipv4(), Payload.Ipv4Destination(NFT.REG32_00), new Lookup(Enclosed4, NFT.REG32_00), .. NotToWithin4(), Verdict.Drop]),
        new NftRule(s_guard, "containers that are known by this host's address alone", [
            .. Ipv6(), Payload.Ipv6Destination(NFT.REG32_00), new Lookup(Enclosed6, NFT.REG32_00), .. NotToWithin6(), Verdict.Drop]),

        // Only what is addressed to this host: a port number published here means nothing for transit traffic.
        new NftRule(s_prerouting, null, [.. ToLocalAddress(), Verdict.Jump(s_published)]),
        new NftRule(s_output, null, [.. ToLocalAddress(), Verdict.Jump(s_published)]),
        new NftRule(s_published, "published under conditions", [.. Ipv4(), .. IsRefused4(), Verdict.Return]),
        new NftRule(s_published, "published under conditions", [.. Ipv6(), .. IsRefused6(), Verdict.Return]),
        new NftRule(s_published, null, [.. Ipv4(), .. Loopback(Payload.Ipv4Destination), Verdict.Jump(s_loopback)]),
        new NftRule(s_published, null, [.. Ipv6(), .. Loopback6(), Verdict.Jump(s_loopback)]),
        new NftRule(s_published, null, [.. Ipv4(), .. Translate(Published4, Payload.Ipv4Destination(NFT.REG32_00), NFPROTO.IPV4)]),
        new NftRule(s_published, null, [.. Ipv4(), .. Translate(PublishedAny4, null, NFPROTO.IPV4)]),
        new NftRule(s_published, null, [.. Ipv6(), .. Translate(Published6, Payload.Ipv6Destination(NFT.REG32_00), NFPROTO.IPV6)]),
        new NftRule(s_published, null, [.. Ipv6(), .. Translate(PublishedAny6, null, NFPROTO.IPV6)]),

        // Packets for loopback whose sender was not led away at the socket would have no way back from a container, unless route_localnet is on.
        new NftRule(s_loopback, null, [.. Ipv4(), .. Translate(Loopback4, Payload.Ipv4Destination(NFT.REG32_00), NFPROTO.IPV4)]),
        new NftRule(s_loopback, null, [.. Ipv4(), .. Translate(LoopbackAny4, null, NFPROTO.IPV4)]),
        new NftRule(s_loopback, "served at the socket", [Verdict.Accept]),

        // Replies, what is published, and a network's own traffic pass; nothing else opens a connection into an isolated bridge. Internal networks come
        // before what is published: by the host they would get out to the containers of other networks.
        new NftRule(s_forward, null, [.. CtHas(NFT_CT.STATE, Established | Related), Verdict.Accept]),
        new NftRule(s_forward, "no way out", [
            new Meta(NFT_META.IIFNAME, NFT.REG32_00), new Lookup(Internal, NFT.REG32_00), .. FromTo(Inside, inverted: true), Verdict.Drop]),
        new NftRule(s_forward, "published ports", [.. CtHas(NFT_CT.STATUS, (uint)IPS.DST_NAT), Verdict.Accept]),
        new NftRule(s_forward, "isolation within a network", [.. FromTo(Apart), Verdict.Drop]),
        new NftRule(s_forward, "within a network", [.. FromTo(Inside), Verdict.Accept]),
        new NftRule(s_forward, "isolation", [new Meta(NFT_META.OIFNAME, NFT.REG32_00), new Lookup(Isolated, NFT.REG32_00), Verdict.Drop]),

        // A published port reached from 127.0.0.1, or from its own network, must see an address that it answers by way of this host.
        new NftRule(s_postrouting, "published, from this host's loopback", [
            .. CtHas(NFT_CT.STATUS, (uint)IPS.DST_NAT), .. Ipv4(), .. Loopback(Payload.Ipv4Source), new Masquerade()]),
        new NftRule(s_postrouting, "published, from its own network", [
            .. CtHas(NFT_CT.STATUS, (uint)IPS.DST_NAT), .. Ipv4(), .. FromWithin4(), new Masquerade()]),
        new NftRule(s_postrouting, "published, from its own network", [
            .. CtHas(NFT_CT.STATUS, (uint)IPS.DST_NAT), .. Ipv6(), .. FromWithin6(), new Masquerade()]),
        new NftRule(s_postrouting, "published, and masqueraded for everybody", [
            .. CtHas(NFT_CT.STATUS, (uint)IPS.DST_NAT), .. Ipv4(), .. ToPort(Payload.Ipv4Destination(NFT.REG32_00), MasqueradedPorts4), new Masquerade()]),
        new NftRule(s_postrouting, "published, and masqueraded for everybody", [
            .. CtHas(NFT_CT.STATUS, (uint)IPS.DST_NAT), .. Ipv6(), .. ToPort(Payload.Ipv6Destination(NFT.REG32_00), MasqueradedPorts6), new Masquerade()]),

        // The way out: not for the network's own traffic (seen here with br_netfilter), nor for multicast.
        new NftRule(s_postrouting, null, [.. Ipv4(), .. FromWithin4(), Verdict.Return]),
        new NftRule(s_postrouting, null, [.. Ipv6(), .. FromWithin6(), Verdict.Return]),
        new NftRule(s_postrouting, null, [.. Ipv4(), .. Multicast(Payload.Ipv4Destination(NFT.REG32_00), [0xf0, 0, 0, 0], [0xe0, 0, 0, 0]), Verdict.Return]),
        new NftRule(s_postrouting, null, [.. Ipv6(), .. Multicast6(), Verdict.Return]),
        new NftRule(s_postrouting, "the way out, by an address of choice", [
            .. Ipv4(), Payload.Ipv4Source(NFT.REG32_00), new Lookup(Outbound4, NFT.REG32_00, NFT.REG32_00), new SourceNat(NFPROTO.IPV4, NFT.REG32_00)]),
        new NftRule(s_postrouting, "the way out, by an address of choice", [
            .. Ipv6(), Payload.Ipv6Source(NFT.REG32_00), new Lookup(Outbound6, NFT.REG32_00, NFT.REG32_00), new SourceNat(NFPROTO.IPV6, NFT.REG32_00)]),
        new NftRule(s_postrouting, "the way out", [
            .. Ipv4(), Payload.Ipv4Source(NFT.REG32_00), new Lookup(Masqueraded4, NFT.REG32_00), new Masquerade()]),
        new NftRule(s_postrouting, "the way out", [
            .. Ipv6(), Payload.Ipv6Source(NFT.REG32_00), new Lookup(Masqueraded6, NFT.REG32_00), new Masquerade()]),
    ];

    private static IExpression[] Ipv4() => Family(NFPROTO.IPV4);

    private static IExpression[] Ipv6() => Family(NFPROTO.IPV6);

    private static IExpression[] Family(NFPROTO family) =>
        [new Meta(NFT_META.NFPROTO, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, [(byte)family])];

    private static IExpression[] NotFromLoopbackInterface() =>
        [new Meta(NFT_META.IIF, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.NEQ, HostOrder(LoopbackIndex))];

    private static IExpression[] Loopback(Func<NFT, Payload> address) =>
        [address(NFT.REG32_00) with { Length = 1 }, new Compare(NFT.REG32_00, NFT_CMP.EQ, [127])];

    private static IExpression[] Loopback6() =>
        [Payload.Ipv6Destination(NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, [.. new byte[15], 1])];

    private static IExpression[] Multicast(Payload address, byte[] mask, byte[] network) =>
        [address, new Bitwise(NFT.REG32_00, mask), new Compare(NFT.REG32_00, NFT_CMP.EQ, network)];

    private static IExpression[] Multicast6() =>
        [new Payload(NFT_PAYLOAD.NETWORK_HEADER, 24, 1, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, [0xff])];

    private static IExpression[] ToLocalAddress() =>
        [new FibDestinationType(NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, HostOrder(LocalAddress))];

    private static IExpression[] CtHas(NFT_CT key, uint bits) =>
        [new Conntrack(key, NFT.REG32_00), new Bitwise(NFT.REG32_00, HostOrder(bits)), new Compare(NFT.REG32_00, NFT_CMP.NEQ, HostOrder(0))];

    private static IExpression[] FromTo(NftSet set, bool inverted = false) =>
        [new Meta(NFT_META.IIFNAME, NFT.REG32_00), new Meta(NFT_META.OIFNAME, NFT.REG32_04), new Lookup(set, NFT.REG32_00, Invert: inverted)];

    private static IExpression[] FromWithin4() =>
        [Payload.Ipv4Source(NFT.REG32_00), new Meta(NFT_META.OIFNAME, NFT.REG32_01), new Lookup(Networks4, NFT.REG32_00)];

    private static IExpression[] FromWithin6() =>
        [Payload.Ipv6Source(NFT.REG32_00), new Meta(NFT_META.OIFNAME, NFT.REG32_04), new Lookup(Networks6, NFT.REG32_00)];

    private static IExpression[] NotToWithin4() =>
        [Payload.Ipv4Destination(NFT.REG32_00), new Meta(NFT_META.IIFNAME, NFT.REG32_01), new Lookup(Networks4, NFT.REG32_00, Invert: true)];

    private static IExpression[] NotToWithin6() =>
        [Payload.Ipv6Destination(NFT.REG32_00), new Meta(NFT_META.IIFNAME, NFT.REG32_04), new Lookup(Networks6, NFT.REG32_00, Invert: true)];

    private static IExpression[] IsRefused4() =>
        [Payload.Ipv4Source(NFT.REG32_00), .. ToPort(Payload.Ipv4Destination(NFT.REG32_01), Refused4)];

    private static IExpression[] IsRefused6() =>
        [Payload.Ipv6Source(NFT.REG32_00), .. ToPort(Payload.Ipv6Destination(NFT.REG32_04), Refused6)];

    /// <summary>address . meta l4proto . th dport @SET, with whatever was loaded before the address.</summary>
    private static IExpression[] ToPort(Payload address, NftSet set)
    {
        NFT next = address.Register + (int)address.Length / 4;
        return [address, new Meta(NFT_META.L4PROTO, next), Payload.DestinationPort(next + 1), new Lookup(set, NFT.REG32_00)];
    }

    /// <summary>dnat to [address .] meta l4proto . th dport map @MAP.</summary>
    private static IExpression[] Translate(NftSet map, Payload? address, NFPROTO family)
    {
        NFT next = NFT.REG32_00 + (address is null ? 0 : (int)address.Length / 4);
        List<IExpression> expressions = address is null ? [] : [address];
        expressions.Add(new Meta(NFT_META.L4PROTO, next));
        expressions.Add(Payload.DestinationPort(next + 1));
        expressions.Add(new Lookup(map, NFT.REG32_00, NFT.REG32_00));
        expressions.Add(new DestinationNat(family, NFT.REG32_00, NFT.REG32_00 + (family == NFPROTO.IPV4 ? 1 : 4)));
        return [.. expressions];
    }

    // Conntrack bits, fib types and interface numbers stand in registers in host order.
    private static byte[] HostOrder(uint value)
    {
        byte[] bytes = new byte[4];
        System.Runtime.InteropServices.MemoryMarshal.Write(bytes, value);
        return bytes;
    }

    private static NftChain Base(string name, string type, NF_INET hook, int priority) =>
        new(Table, name) { Hook = new NftHook(type, hook, priority) };

    private static NftSet Map(string name, NftDataType[] key, NftDataType[] data) => new(Table, name, key) { DataTypes = data };

    private static NftSet Intervals(string name, NftDataType[] key) => new(Table, name, key) { Intervals = true };
}
