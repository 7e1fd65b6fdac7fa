using System.Net;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.UnitTests.Netlink;

/// <summary>Kinds of links, changes of links, rules and queueing disciplines beside those of iproute2; every difference is named.</summary>
public sealed class KindRequestTests
{
    private const int LinkHeader = 16;
    private const int RuleHeader = 12;
    private const int TrafficHeader = 20;

    private static readonly InterfaceIndex s_parent = new(3);

    /// <summary>iproute2 sends RTM_NEWLINK without NLM_F_CREATE, which changes a link as RTM_SETLINK does.</summary>
    private static readonly string[] s_asChange = ["- type 16", "+ type 19"];

    [Fact]
    public void Macvlan_in_source_mode() => Compare(
        "link-macvlan-add",
        static route => route.AddLink(new LinkRequest
        {
            Name = "mv0",
            Parent = s_parent,
            Mac = RequestTests.Mac("02:00:00:00:00:09"),
            TxQueueLength = 500,
            Kind = new MacvlanKind
            {
                Mode = MACVLAN_MODE.SOURCE,
                BroadcastQueueLength = 200,
                Sources = [RequestTests.Mac("02:00:00:00:00:01"), RequestTests.Mac("02:00:00:00:00:02")],
            },
        }),
        LinkHeader,
        "- 18/1 = 6d6163766c616e",
        "+ 18/1 = 6d6163766c616e00");

    [Fact]
    public void Macvlan_that_takes_its_parent_over() => Compare(
        "link-macvlan-passthru-add",
        static route => route.AddLink(new LinkRequest
        {
            Name = "mv0",
            Parent = s_parent,
            Kind = new MacvlanKind { Mode = MACVLAN_MODE.PASSTHRU, Flags = MACVLAN_FLAG.NOPROMISC },
        }),
        LinkHeader,
        "- 18/1 = 6d6163766c616e",
        "+ 18/1 = 6d6163766c616e00");

    [Fact]
    public void Ipvlan() => Compare(
        "link-ipvlan-add",
        static route => route.AddLink(new LinkRequest
        {
            Name = "iv0",
            Parent = s_parent,
            Mtu = 1400,
            Kind = new IpvlanKind(IPVLAN_MODE.L3S, IPVLAN_F.VEPA),
        }),
        LinkHeader,
        "- 18/1 = 6970766c616e",
        "+ 18/1 = 6970766c616e00");

    [Fact]
    public void Vlan_of_a_provider() => Compare(
        "link-vlan-add",
        static route => route.AddLink(new LinkRequest { Name = "vl0", Parent = s_parent, Kind = new VlanKind(100) { Protocol = VlanKind.Dot1Ad } }),
        LinkHeader,
        "- 18/1 = 766c616e",
        "+ 18/1 = 766c616e00");

    [Fact]
    public void Vrf() => Compare(
        "link-vrf-add",
        static route => route.AddLink(new LinkRequest { Name = "vrf0", Kind = new VrfKind(1000) }),
        LinkHeader,
        "- 18/1 = 767266",
        "+ 18/1 = 76726600");

    [Fact]
    public void Dummy() => Compare(
        "link-dummy-add",
        static route => route.AddLink(new LinkRequest { Name = "d0", Kind = new DummyKind() }),
        LinkHeader,
        "- 18/1 = 64756d6d79",
        "- 20 = 74657874",            // an alias, which the kernel passes over at birth
        "+ 18/1 = 64756d6d7900");

    [Fact]
    public void Send_queue() => Compare("link-txqueuelen", static route => route.SetTxQueueLength(s_parent, 77), LinkHeader, s_asChange);

    [Fact]
    public void Name() => Compare("link-rename", static route => route.SetName(s_parent, "eth7"), LinkHeader, s_asChange);

    [Fact]
    public void Alias() => Compare("link-alias", static route => route.SetAlias(s_parent, "text"), LinkHeader, s_asChange);

    [Fact]
    public void No_master() => Compare("link-nomaster", static route => route.SetMaster(s_parent, null), LinkHeader, s_asChange);

    [Fact]
    public void Every_multicast_frame() => Compare("link-allmulticast", static route => route.SetAllMulticast(s_parent, on: true), LinkHeader, s_asChange);

    [Fact]
    public void Rule_v4() => Compare(
        "rule-add-v4",
        static route => route.AddRule(new PolicyRule(IPAddress.Parse("10.1.2.3"), 32) { Table = 100 }),
        RuleHeader,
        "+ 15 = 64000000");           // as an attribute too, which the kernel looks at first (frh_get_table, include/net/fib_rules.h)

    [Fact]
    public void Rule_v6_with_a_priority_and_a_large_table() => Compare(
        "rule-add-v6",
        static route => route.AddRule(new PolicyRule(IPAddress.Parse("fd00::"), 64) { Table = 1000, Priority = 5 }),
        RuleHeader);

    [Fact]
    public void Token_bucket_faster_than_32_bits_can_say() => Compare(
        "qdisc-tbf",
        static route => route.ReplaceTokenBucket(s_parent, 0x10000, new TokenBucket(10_000_000_000, 100_000_000, 3_000_000)),
        TrafficHeader,
        // tc works the times out of 32 bits of the rate, and sends a table of them that no kernel since 3.8 reads (see ReplaceTokenBucket).
        "- 2/1 = 03010000ffff0000ffffffff000000000000000000000000c0c62d00148d050000000000",
        $"- 2/2 = {new string('0', 2048)}",
        "+ 2/1 = 0001000000000000ffffffff000000000000000000000000c0c62d005a62020000000000");

    [Fact]
    public void Ingress() => Compare("qdisc-ingress", static route => route.EnsureIngress(s_parent), TrafficHeader);

    [Fact]
    public void Redirect_of_everything() => Compare(
        "filter-redirect", static route => route.AddRedirect(s_parent, new InterfaceIndex(4)), TrafficHeader);

    [Fact]
    public void A_token_buckets_numbers_are_cut_and_not_turned_over()
    {
        TimeSpan latency = TimeSpan.FromMilliseconds(25);

        Assert.Equal(new TokenBucket(125_000, 12_500, 15_625), TokenBucket.WithLatency(125_000, 12_500, latency));
        Assert.Equal(uint.MaxValue, TokenBucket.WithLatency(ulong.MaxValue, uint.MaxValue, latency).Limit);
        Assert.True(new TokenBucket(1_000_000, 100_000, 5).IsSame(new TokenBucket(1_000_000, 99_999, 5)));
        Assert.False(new TokenBucket(1_000_000, 100_000, 5).IsSame(new TokenBucket(1_000_000, 90_000, 5)));
        Assert.False(new TokenBucket(1_000_000, 100_000, 5).IsSame(new TokenBucket(1_000_001, 100_000, 5)));
        Assert.True(new TokenBucket(1000, uint.MaxValue, 5).IsSame(new TokenBucket(1000, 1, 5)));   // more ticks than can be read back
    }

    private static void Compare(string fixture, Action<RouteConnection> request, int headerLength, params string[] differences) =>
        RequestTests.Compare(fixture, request, headerLength, differences);
}
