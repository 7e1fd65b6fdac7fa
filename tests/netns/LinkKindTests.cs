using System.Net;
using System.Text.Json;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Kinds of links, rules and queueing disciplines against the running kernel, judged by <c>ip -j</c> and <c>tc -j</c>.</summary>
public sealed class LinkKindTests : IDisposable
{
    private readonly Netns _host = Netns.Create("host");
    private readonly Netns _container = Netns.Create("container");
    private readonly RouteConnection _route;
    private readonly InterfaceIndex _parent;

    public LinkKindTests()
    {
        _route = _host.Run(static () => RouteConnection.Open(NetlinkSocket.Kernel));
        _host.Ip("link add parent type veth peer name parent2");
        _parent = _route.GetLink("parent").Index;
    }

    public void Dispose()
    {
        _route.Dispose();
        _host.Dispose();
        _container.Dispose();
    }

    [Fact]
    public void A_macvlan_is_born_in_the_container_under_its_final_name()
    {
        MacvlanKind kind = new() { Mode = MACVLAN_MODE.BRIDGE, BroadcastQueueLength = 333 };

        (JsonElement shown, Link link) = AddInContainer(kind, "02:00:00:00:00:09");

        JsonElement data = shown.GetProperty("linkinfo").GetProperty("info_data");
        Assert.Equal(("bridge", "333"), (data.Text("mode"), data.Text("bcqueuelen")));
        Assert.Equal(("02:00:00:00:00:09", "77"), (shown.Text("address"), shown.Text("txqlen")));
        Assert.Equal("1073741824", shown.Text("group"));
        Assert.Equal((MACVLAN_MODE.BRIDGE, 333u), (((MacvlanKind)link.Settings!).Mode, ((MacvlanKind)link.Settings).BroadcastQueueLength));
        Assert.Equal((77u, 0x40000000u, _parent), (link.TxQueueLength, link.Group, link.Peer));
    }

    [Fact]
    public void A_macvlan_in_source_mode_has_its_list()
    {
        Assert.True(MacAddress.TryParse("02:00:00:00:00:01", out MacAddress first));
        Assert.True(MacAddress.TryParse("02:00:00:00:00:02", out MacAddress second));

        (JsonElement shown, Link link) = AddInContainer(new MacvlanKind { Mode = MACVLAN_MODE.SOURCE, Sources = [first, second] }, null);

        JsonElement data = shown.GetProperty("linkinfo").GetProperty("info_data");
        Assert.Equal("source", data.Text("mode"));
        Assert.Equal(2, data.GetProperty("macaddr_data").GetArrayLength());
        Assert.Equal([first, second], ((MacvlanKind)link.Settings!).Sources.OrderBy(static m => m.ToString()));
    }

    [Theory]
    [InlineData(IPVLAN_MODE.L2, IPVLAN_F.BRIDGE, "l2", "bridge")]
    [InlineData(IPVLAN_MODE.L3, IPVLAN_F.PRIVATE, "l3", "private")]
    [InlineData(IPVLAN_MODE.L3S, IPVLAN_F.VEPA, "l3s", "vepa")]
    public void An_ipvlan(IPVLAN_MODE mode, IPVLAN_F flags, string modeShown, string flagShown)
    {
        Kernel.RequireKind("ipvlan");
        IpvlanKind kind = new(mode, flags);

        (JsonElement shown, Link link) = AddInContainer(kind, null);

        JsonElement data = shown.GetProperty("linkinfo").GetProperty("info_data");
        Assert.Equal((modeShown, true), (data.Text("mode"), data.TryGetProperty(flagShown, out _)));
        Assert.Equal(kind, link.Settings);
    }

    [Theory]
    [InlineData(VlanKind.Dot1Q, "802.1Q")]
    [InlineData(VlanKind.Dot1Ad, "802.1ad")]
    public void A_vlan(ushort protocol, string shownAs)
    {
        Kernel.RequireKind("vlan");
        VlanKind kind = new(100) { Protocol = protocol };

        (JsonElement shown, Link link) = AddInContainer(kind, null);

        JsonElement data = shown.GetProperty("linkinfo").GetProperty("info_data");
        Assert.Equal(("100", shownAs), (data.Text("id"), data.Text("protocol")));
        Assert.Equal(kind, link.Settings);
    }

    [Fact]
    public void A_vrf_and_its_member()
    {
        Kernel.RequireKind("vrf");
        _route.AddLink(new LinkRequest { Name = "vrf0", Kind = new VrfKind(1000), Up = true });
        Link vrf = _route.GetLink("vrf0");

        _route.SetMaster(_parent, vrf.Index);

        Assert.Equal("1000", Show(_host, "vrf0").GetProperty("linkinfo").GetProperty("info_data").Text("table"));
        Assert.Equal(new VrfKind(1000), vrf.Settings);
        Assert.Equal("vrf0", Show(_host, "parent").Text("master"));
        _route.SetMaster(_parent, null);
        Assert.False(Show(_host, "parent").TryGetProperty("master", out _));
    }

    [Theory]
    [InlineData("dummy")]
    [InlineData("ifb")]
    public void A_link_with_nothing_special_about_it(string kind)
    {
        Kernel.RequireKind(kind);

        (JsonElement shown, Link link) = AddInContainer(kind == "dummy" ? new DummyKind() : new IfbKind(), null, hasParent: false);

        Assert.Equal(kind, shown.GetProperty("linkinfo").Text("info_kind"));
        Assert.Equal((kind, null), (link.Kind, link.Settings));
    }

    [Fact]
    public void A_link_is_renamed_moved_and_set()
    {
        using NetworkNamespace target = NetworkNamespace.Open(_container.Path);
        _route.SetName(_parent, "other");
        Assert.Equal("other", _route.GetLink(_parent).Name);
        _route.SetAlias(_parent, "text");
        Assert.Equal("text", Show(_host, "other").Text("ifalias"));
        _route.SetAlias(_parent, "");
        Assert.False(Show(_host, "other").TryGetProperty("ifalias", out _));
        _route.SetTxQueueLength(_parent, 12);
        _route.SetAllMulticast(_parent, on: true);
        _route.SetPromiscuous(_parent, on: true);
        Assert.Equal("12", Show(_host, "other").Text("txqlen"));
        Assert.Equal((true, true), (_route.GetLink(_parent).IsAllMulticast, _route.GetLink(_parent).IsPromiscuous));
        Assert.Superset(new HashSet<string> { "ALLMULTI", "PROMISC" }, Flags("other"));
        _route.SetAllMulticast(_parent, on: false);
        _route.SetPromiscuous(_parent, on: false);
        Assert.Empty(Flags("other").Intersect(["ALLMULTI", "PROMISC"]));

        _route.SetNamespace(_parent, target, "eth0");

        Assert.Null(_route.FindLink(_parent));
        Assert.Equal("12", Show(_container, "eth0").Text("txqlen"));
    }

    [Fact]
    public void Rules_of_both_families()
    {
        PolicyRule v4 = new(IPAddress.Parse("10.1.2.3"), 32) { Table = 100 };
        PolicyRule v6 = new(IPAddress.Parse("fd00::"), 64) { Table = 1000, Priority = 5 };
        _host.Ip("rule add from 10.9.0.0/16 iif lo table 77");

        _route.AddRule(v4);
        _route.AddRule(v6);

        JsonElement shown = _host.Ip("-j rule show").EnumerateArray().Single(static r => r.Text("table") == "100");
        Assert.Equal("10.1.2.3", shown.Text("src"));
        Assert.Equal("5", _host.Ip("-j -6 rule show").EnumerateArray().Single(static r => r.Text("table") == "1000").Text("priority"));
        IReadOnlyList<PolicyRule> listed = _route.ListRules();
        Assert.Contains(v6, listed);
        Assert.Contains(listed, rule => rule with { Priority = null } == v4 && rule.Priority > 0);
        Assert.DoesNotContain(listed, static rule => rule.Table == 77);
        Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => _route.AddRule(v6)).Errno);
        Assert.True(_route.TryDeleteRule(v4));
        Assert.False(_route.TryDeleteRule(v4));
        Assert.True(_route.TryDeleteRule(v6));
        Assert.False(_route.TryDeleteRule(v6));
    }

    [Theory]
    [InlineData(1_000_000, 100_000)]
    [InlineData(10_000_000_000, 100_000_000)]
    [InlineData(125, 4_000_000_000)]
    public void A_token_bucket_is_set_and_read_back(ulong rate, uint burst)
    {
        TokenBucket bucket = TokenBucket.WithLatency(rate, burst, TimeSpan.FromMilliseconds(25));

        _route.ReplaceTokenBucket(_parent, 0x10000, new TokenBucket(5000, 5000, 50000));
        _route.ReplaceTokenBucket(_parent, 0x10000, bucket);

        JsonElement shown = Json.Parse(_host.Exec("/usr/sbin/tc", "-j", "qdisc", "show", "dev", "parent", "root").Output)[0];
        Assert.Equal(("tbf", "1:", $"{rate}"), (shown.Text("kind"), shown.Text("handle"), shown.GetProperty("options").Text("rate")));
        Qdisc found = _route.FindQdisc(_parent, TC_H.ROOT)!;
        Assert.Equal(("tbf", 0x10000u, rate), (found.Kind, found.Handle, found.TokenBucket!.Rate));
        Assert.True(burst > rate * 200 || bucket.IsSame(found.TokenBucket), $"{bucket} {found.TokenBucket}");
        Assert.True(_route.TryDeleteQdisc(_parent, TC_H.ROOT));
        Assert.False(_route.TryDeleteQdisc(_parent, TC_H.ROOT));
        Assert.NotEqual("tbf", _route.FindQdisc(_parent, TC_H.ROOT)?.Kind);
    }

    [Fact]
    public void Everything_that_is_received_is_redirected()
    {
        Kernel.RequireKind("ifb");
        _route.AddLink(new LinkRequest { Name = "target", Kind = new IfbKind(), Up = true });
        InterfaceIndex target = _route.GetLink("target").Index;
        Assert.Null(_route.FindQdisc(_parent, TC_H.INGRESS));
        Assert.Null(_route.FindRedirect(_parent));

        Assert.True(_route.EnsureIngress(_parent));
        Assert.False(_route.EnsureIngress(_parent));
        _route.AddRedirect(_parent, target);

        JsonElement shown = Json.Parse(_host.Exec("/usr/sbin/tc", "-j", "filter", "show", "dev", "parent", "ingress").Output);
        JsonElement filter = shown.EnumerateArray().Last();
        Assert.Equal(("all", "u32"), (filter.Text("protocol"), filter.Text("kind")));
        JsonElement action = filter.GetProperty("options").GetProperty("actions")[0];
        Assert.Equal(("redirect", "egress", "target"), (action.Text("mirred_action"), action.Text("direction"), action.Text("to_dev")));
        Assert.Equal(target, _route.FindRedirect(_parent));
        Assert.Equal("ingress", _route.FindQdisc(_parent, TC_H.INGRESS)!.Kind);
        Assert.True(_route.TryDeleteQdisc(_parent, TC_H.INGRESS));
        Assert.False(_route.TryDeleteQdisc(_parent, TC_H.INGRESS));
        Assert.Null(_route.FindRedirect(_parent));
        Assert.Null(_route.FindQdisc(new InterfaceIndex(12345), TC_H.ROOT));
    }

    [Fact]
    public void A_tap_device_lasts_and_belongs_to_its_owner()
    {
        Kernel.RequireKind("tun");

        _host.Run(static () => TapDevice.Create("tap0", multiQueue: true, vnetHeader: true, owner: 64321, group: 64322));
        _host.Run(static () => TapDevice.Create("tap1", multiQueue: false, vnetHeader: false, owner: null, group: null));

        JsonElement shown = Show(_host, "tap0").GetProperty("linkinfo").GetProperty("info_data");
        Assert.Equal(("tap", "True", "True"), (shown.Text("type"), shown.Text("multi_queue"), shown.Text("vnet_hdr")));
        Assert.Equal(("True", "False"), (shown.Text("persist"), shown.Text("pi")));
        Assert.Equal(("64321", "64322"), (shown.Text("user"), shown.Text("group")));
        Assert.Equal("False", Show(_host, "tap1").GetProperty("linkinfo").GetProperty("info_data").Text("multi_queue"));
        LinuxException taken = Assert.Throws<LinuxException>(
            () => _host.Run(static () => TapDevice.Create("tap1", multiQueue: false, vnetHeader: false, owner: null, group: null)));
        Assert.Equal(Errno.EBUSY, taken.Errno);
        Assert.True(_route.TryDeleteLink(_route.GetLink("tap0").Index));
    }

    private (JsonElement Shown, Link Link) AddInContainer(ILinkKind kind, string? mac, bool hasParent = true)
    {
        using NetworkNamespace target = NetworkNamespace.Open(_container.Path);
        using RouteConnection inside = RouteConnection.Open(NetlinkSocket.Kernel, target);
        MacAddress address = default;
        Assert.True(mac is null || MacAddress.TryParse(mac, out address));

        _route.AddLink(new LinkRequest
        {
            Name = "eth0",
            Kind = kind,
            Parent = hasParent ? _parent : null,
            Namespace = target.Descriptor,
            Mac = mac is null ? null : address,
            TxQueueLength = 77,
            Group = 0x40000000,
        });

        Assert.Null(_route.FindLink("eth0"));
        return (Show(_container, "eth0"), inside.GetLink("eth0"));
    }

    private HashSet<string> Flags(string name) => [.. Show(_host, name).GetProperty("flags").EnumerateArray().Select(static f => f.GetString()!)];

    private static JsonElement Show(Netns where, string name) => where.Ip($"-j -d link show {name}")[0];
}
