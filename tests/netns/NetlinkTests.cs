using System.Net;
using System.Text.Json;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>RouteConnection against the running kernel, judged by <c>ip -j</c> and <c>bridge -j</c>.</summary>
public sealed class NetlinkTests : IDisposable
{
    private readonly Netns _host = Netns.Create("host");
    private readonly Netns _container = Netns.Create("container");
    private readonly RouteConnection _route;

    public NetlinkTests() => _route = _host.Run(static () => RouteConnection.Open(NetlinkSocket.Kernel));

    public void Dispose()
    {
        _route.Dispose();
        _host.Dispose();
        _container.Dispose();
    }

    [Fact]
    public void A_bridge_is_made_up_with_its_address_and_mtu()
    {
        Assert.True(MacAddress.TryParse("02:11:22:33:44:55", out MacAddress mac));
        _route.AddLink(new LinkRequest { Name = "br0", Kind = new BridgeKind(false), Mtu = 1400, Mac = mac, Up = true, Group = 7 });

        JsonElement shown = Show("br0");
        Assert.Equal("02:11:22:33:44:55", shown.Text("address"));
        Assert.Equal("1400", shown.Text("mtu"));
        Assert.Equal("7", shown.Text("group"));
        Assert.Contains("UP", shown.GetProperty("flags").EnumerateArray().Select(static f => f.GetString()));
        Assert.Equal("bridge", shown.GetProperty("linkinfo").Text("info_kind"));
        Link link = _route.GetLink("br0");
        Assert.Equal((mac, 1400, "bridge", true, false), (link.Mac, link.Mtu, link.Kind, link.IsUp, link.VlanFiltering));
        Assert.Equal(shown.GetProperty("ifindex").GetInt32(), link.Index.Value);
    }

    [Fact]
    public void A_veth_is_born_in_two_namespaces_enslaved_and_up()
    {
        _route.AddLink(new LinkRequest { Name = "br0", Kind = new BridgeKind(false), Up = true });
        AddPair("veth0", mtu: 1300);

        JsonElement host = Show("veth0");
        JsonElement peer = _container.Ip("-j -d link show eth0")[0];
        Assert.Equal("br0", host.Text("master"));
        Assert.Equal("1300", host.Text("mtu"));
        Assert.Equal("1", host.Text("num_tx_queues"));
        Assert.Equal("1300", peer.Text("mtu"));
        Assert.Equal("02:00:00:00:00:09", peer.Text("address"));
        Assert.Equal("1", peer.Text("num_rx_queues") ?? "1");   // a kernel for one processor does not say (CONFIG_RPS)
        Assert.Equal(host.GetProperty("ifindex").GetInt32(), peer.GetProperty("link_index").GetInt32());
        Link link = _route.GetLink("veth0");
        Assert.Equal(_route.GetLink("br0").Index, link.Master);
        Assert.Equal(peer.GetProperty("ifindex").GetInt32(), link.Peer?.Value);
        Assert.NotNull(link.Port);
        Assert.Equal("veth", link.Kind);
    }

    [Fact]
    public void A_port_is_set_and_read_back()
    {
        _route.AddLink(new LinkRequest { Name = "br0", Kind = new BridgeKind(false), Up = true });
        InterfaceIndex port = AddPair("veth0");

        _route.SetBridgePort(port, hairpin: true, isolated: true);

        JsonElement shown = Show("veth0").GetProperty("linkinfo").GetProperty("info_slave_data");
        Assert.Equal("True", shown.Text("hairpin"));
        Assert.Equal("True", shown.Text("isolated"));
        Assert.Equal((true, true), (_route.GetLink("veth0").Port!.Hairpin, _route.GetLink("veth0").Port!.Isolated));
        _route.SetBridgePort(port, hairpin: false, isolated: false);
        Assert.Equal("False", Show("veth0").GetProperty("linkinfo").GetProperty("info_slave_data").Text("hairpin"));
    }

    [Fact]
    public void Vlans_of_a_port_are_added_listed_and_deleted()
    {
        Kernel.RequireVlanFiltering();
        _route.AddLink(new LinkRequest { Name = "br0", Kind = new BridgeKind(true), Up = true });
        InterfaceIndex port = AddPair("veth0");
        Assert.True(_route.GetLink("br0").VlanFiltering);

        _route.TryDeletePortVlans(port, new VlanRange(1, 1));
        _route.AddPortVlans(port, new VlanRange(100, 100), pvidUntagged: true);
        _route.AddPortVlans(port, new VlanRange(200, 203), pvidUntagged: false);
        _route.TryDeletePortVlans(port, new VlanRange(202, 203));

        Assert.Equal(
            [new PortVlan(100, Pvid: true, Untagged: true), new PortVlan(200, false, false), new PortVlan(201, false, false)],
            _route.ListPortVlans(port));
        JsonElement shown = Json.Parse(_host.Exec("/usr/sbin/bridge", "-j", "vlan", "show", "dev", "veth0").Output)[0];
        Assert.Equal([100, 200, 201], shown.GetProperty("vlans").EnumerateArray().Select(static v => v.GetProperty("vlan").GetInt32()));
    }

    [Fact]
    public void Names_and_what_is_absent()
    {
        string altname = "network-container-" + new string('x', 100);
        Assert.Null(_route.FindLink("veth0"));
        Assert.Null(_route.FindLink(new InterfaceIndex(12345)));
        Assert.Equal(Errno.ENODEV, Assert.Throws<NetlinkException>(() => _route.GetLink(altname)).Errno);
        InterfaceIndex index = AddPair("veth0", enslave: false);

        _route.AddAlternativeName(index, altname);
        _route.AddAlternativeName(index, "short");

        Assert.Equal([altname, "short"], Show("veth0").GetProperty("altnames").EnumerateArray().Select(static n => n.GetString()).Order());
        Assert.Equal(index, _route.FindLink(altname)!.Index);
        Assert.Equal(index, _route.FindLink("short")!.Index);
        Assert.Equal(["lo", "veth0"], _route.ListLinks().Select(static l => l.Name).Order());
        Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => _route.AddAlternativeName(index, "short")).Errno);
        Assert.True(_route.TryDeleteLink(index));
        Assert.False(_route.TryDeleteLink(index));
        Assert.Null(_route.FindLink(altname));
    }

    [Fact]
    public void Flags_and_settings_of_a_link()
    {
        InterfaceIndex index = AddPair("veth0", enslave: false);
        Assert.True(MacAddress.TryParse("02:00:00:00:00:77", out MacAddress mac));

        _route.SetMtu(index, 1280);
        _route.SetMac(index, mac);
        _route.SetPromiscuous(index, on: true);
        _route.SetRouteLocalnet(index, allowed: true);
        _route.SetDown(index);
        Assert.DoesNotContain("UP", Flags("veth0"));
        _route.SetUpAnnouncing(index);

        Assert.Equal(("1280", "02:00:00:00:00:77"), (Show("veth0").Text("mtu"), Show("veth0").Text("address")));
        Assert.Contains("PROMISC", Flags("veth0"));
        Assert.Contains("UP", Flags("veth0"));
        Assert.Equal("1", _host.FindSysctl("net/ipv4/conf/veth0/route_localnet"));
        Assert.Equal("1", _host.FindSysctl("net/ipv4/conf/veth0/arp_notify"));
        Assert.Equal(1u, _route.GetLink(index).Promiscuity);
    }

    [Fact]
    public void Addresses_of_both_families()
    {
        InterfaceIndex index = AddPair("veth0", enslave: false);
        InterfaceAddress v4 = new(IPAddress.Parse("10.1.2.3"), 16);
        InterfaceAddress v6 = new(IPAddress.Parse("fd00::3"), 64) { Flags = IFA_F.NODAD };

        Assert.True(_route.EnsureAddress(index, v4));
        Assert.False(_route.EnsureAddress(index, v4));
        Assert.True(_route.EnsureAddress(index, v6));
        Assert.False(_route.EnsureAddress(index, v6));
        Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => _route.AddAddress(index, v4)).Errno);

        JsonElement[] shown = [.. _host.Ip("-j address show veth0")[0].GetProperty("addr_info").EnumerateArray()];
        JsonElement shown4 = shown.Single(static a => a.Text("local") == "10.1.2.3");
        Assert.Equal(("16", "10.1.255.255", "global"), (shown4.Text("prefixlen"), shown4.Text("broadcast"), shown4.Text("scope")));
        Assert.Equal("True", shown.Single(static a => a.Text("local") == "fd00::3").Text("nodad"));
        Assert.Equal(
            ["10.1.2.3/16", "fd00::3/64"],
            _route.ListAddresses(index).Where(static a => a.Scope == RT_SCOPE.UNIVERSE).Select(static a => a.ToString()).Order());
        Assert.Contains(_route.ListAddresses(), static a => a.Address.Equals(IPAddress.Loopback) && a.Index == InterfaceIndex.Loopback);
        Assert.True(_route.TryDeleteAddress(index, v4));
        Assert.False(_route.TryDeleteAddress(index, v4));
        Assert.True(_route.TryDeleteAddress(index, v6));
        Assert.False(_route.TryDeleteAddress(index, v6));
        Assert.True(_route.TryDeleteLink(index));
        Assert.False(_route.TryDeleteAddress(index, v4));
    }

    [Fact]
    public void Routes_with_everything_and_without()
    {
        InterfaceIndex index = AddPair("veth0", enslave: false);
        _route.EnsureAddress(index, new InterfaceAddress(IPAddress.Parse("10.1.2.3"), 24));
        _route.EnsureAddress(index, new InterfaceAddress(IPAddress.Parse("fd00::3"), 64) { Flags = IFA_F.NODAD });
        IpRoute full = new(IPAddress.Parse("192.0.2.0"), 24)
        {
            Gateway = IPAddress.Parse("10.1.2.1"),
            Output = index,
            Source = IPAddress.Parse("10.1.2.3"),
            Priority = 5,
            Table = 1000,
            Mtu = 1300,
            AdvMss = 1200,
        };
        IpRoute plain = new(IPAddress.IPv6Any, 0) { Gateway = IPAddress.Parse("fd00::1"), Output = index };

        _route.AddRoute(full);
        _route.AddRoute(plain);

        JsonElement shown = _host.Ip("-j route show table 1000")[0];
        Assert.Equal(("192.0.2.0/24", "10.1.2.1", "veth0"), (shown.Text("dst"), shown.Text("gateway"), shown.Text("dev")));
        Assert.Equal(("10.1.2.3", "5"), (shown.Text("prefsrc"), shown.Text("metric")));
        Assert.Equal(("1300", "1200"), (shown.GetProperty("metrics")[0].Text("mtu"), shown.GetProperty("metrics")[0].Text("advmss")));
        Assert.Equal("fd00::1", _host.Ip("-j -6 route show default")[0].Text("gateway"));
        Assert.Contains(full, _route.ListRoutes());
        Assert.Contains(_route.ListRoutes(), static r => r.PrefixLength == 0 && "fd00::1".Equals(r.Gateway?.ToString(), StringComparison.Ordinal));
        Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => _route.AddRoute(full)).Errno);
        Assert.True(_route.TryDeleteRoute(full));
        Assert.False(_route.TryDeleteRoute(full));
        Assert.True(_route.TryDeleteRoute(plain));
        Assert.False(_route.TryDeleteRoute(plain));
    }

    /// <summary>What the kernel joins to one multipath route is listed as the routes that were added.</summary>
    [Fact]
    public void Routes_to_one_destination_by_two_gateways()
    {
        InterfaceIndex index = AddPair("veth0", enslave: false);
        _route.EnsureAddress(index, new InterfaceAddress(IPAddress.Parse("fd00::3"), 64) { Flags = IFA_F.NODAD });
        IpRoute first = new(IPAddress.Parse("2001:db8::"), 32) { Gateway = IPAddress.Parse("fd00::1"), Output = index, Priority = 1024 };
        IpRoute second = first with { Gateway = IPAddress.Parse("fd00::2") };

        _route.AddRoute(first);
        _route.AddRoute(second);

        Assert.Equal(2, _host.Ip("-j -6 route show 2001:db8::/32")[0].GetProperty("nexthops").GetArrayLength());
        Assert.Superset(new HashSet<IpRoute> { first, second }, new HashSet<IpRoute>(_route.ListRoutes()));
    }

    [Fact]
    public void A_neighbour_is_forgotten()
    {
        InterfaceIndex index = AddPair("veth0", enslave: false);
        _host.Ip("neigh add 10.1.2.9 lladdr 02:00:00:00:00:01 dev veth0");

        Assert.True(_route.TryDeleteNeighbour(index, IPAddress.Parse("10.1.2.9")));

        Assert.Equal(0, _host.Ip("-j neigh show dev veth0").GetArrayLength());
        Assert.False(_route.TryDeleteNeighbour(index, IPAddress.Parse("10.1.2.8")));
        Assert.False(_route.TryDeleteNeighbour(new InterfaceIndex(12345), IPAddress.Parse("10.1.2.9")));
    }

    [Fact]
    public void A_refusal_names_the_attribute_and_has_the_kernels_words()
    {
        NetlinkException tooSmall = Assert.Throws<NetlinkException>(
            () => _route.AddLink(new LinkRequest { Name = "br0", Kind = new BridgeKind(false), Mtu = int.MaxValue }));
        NetlinkException wrong = Assert.Throws<NetlinkException>(() => _route.AddLink(new LinkRequest { Name = "br0", Kind = new WrongBridge() }));
        NetlinkException unknown = Assert.Throws<NetlinkException>(() => _route.AddLink(new LinkRequest { Name = "x0", Kind = new NoKind() }));

        Assert.Contains("MTU", tooSmall.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Equal((Errno.ERANGE, "LINKINFO/DATA/FORWARD_DELAY"), (wrong.Errno, wrong.AttributePath));
        Assert.StartsWith("RTM_NEWLINK br0: Numerical result out of range (ERANGE) at LINKINFO/DATA/FORWARD_DELAY: ", wrong.Message, StringComparison.Ordinal);
        Assert.Equal((Errno.EOPNOTSUPP, "RTM_NEWLINK x0", "Unknown device type"), (unknown.Errno, unknown.Operation, unknown.KernelMessage));
        Assert.Null(_route.FindLink("br0"));
    }

    [Fact]
    public void A_change_of_the_link_ends_the_wait()
    {
        InterfaceIndex index = AddPair("veth0", enslave: false);
        using KernelEvents events = _host.Run(static () => KernelEvents.Open(NetlinkSocket.Kernel, RTNLGRP.LINK));
        int asked = 0;
        Thread other = new(() =>
        {
            SpinWait.SpinUntil(() => Volatile.Read(ref asked) > 0);
            _host.Ip("link set lo mtu 1000");   // of no interest
            _container.Ip("link set eth0 up");
        });
        other.Start();

        bool up = events.Wait(
            index,
            () =>
            {
                Interlocked.Increment(ref asked);
                return _route.GetLink(index).OperState == IF_OPER.UP;
            },
            TimeSpan.FromSeconds(20));
        other.Join();

        Assert.True(up);
        Assert.False(events.Wait(index, static () => false, TimeSpan.FromMilliseconds(20)));
        Assert.True(events.Wait(index, static () => true, TimeSpan.Zero));
    }

    [Fact]
    public void A_connection_belongs_to_the_namespace_it_was_opened_in()
    {
        using NetworkNamespace target = NetworkNamespace.Open(_container.Path);
        using RouteConnection inside = RouteConnection.Open(NetlinkSocket.Kernel, target);
        AddPair("veth0", enslave: false);

        Assert.NotNull(inside.FindLink("eth0"));
        Assert.Null(inside.FindLink("veth0"));
    }

    /// <summary>A dump of many datagrams, larger than the first receive buffer.</summary>
    [Fact]
    public void Many_links_are_listed()
    {
        InterfaceIndex index = AddPair("veth0", enslave: false);
        for (int i = 0; i < 500; i++)
        {
            _route.EnsureAddress(index, new InterfaceAddress(new IPAddress([10, 9, (byte)(i / 250), (byte)(i % 250 + 1)]), 32));
        }

        Assert.Equal(500, _route.ListAddresses(index).Count(static a => a.PrefixLength == 32));
    }

    /// <summary>The example of src/Netlink/README.md.</summary>
    [Fact]
    public void The_readmes_example() => _host.Run(() =>
    {
        using RouteConnection route = RouteConnection.Open(NetlinkSocket.Kernel);

        route.AddLink(new LinkRequest { Name = "br0", Kind = new BridgeKind(VlanFiltering: false), Up = true });
        Link bridge = route.GetLink("br0");
        route.EnsureAddress(bridge.Index, new InterfaceAddress(IPAddress.Parse("10.1.0.1"), 16));
        route.AddLink(new LinkRequest
        {
            Name = "veth0",
            Kind = new VethKind { PeerName = "eth0" },
            Master = bridge.Index,
            Up = true,
        });

        Assert.Equal("br0", Show("veth0").Text("master"));
        Assert.Equal("10.1.0.1", _host.Ip("-j -4 address show br0")[0].GetProperty("addr_info")[0].Text("local"));
    });

    private InterfaceIndex AddPair(string name, bool enslave = true, int? mtu = null)
    {
        Assert.True(MacAddress.TryParse("02:00:00:00:00:09", out MacAddress mac));
        using NetworkNamespace target = NetworkNamespace.Open(_container.Path);
        _route.AddLink(new LinkRequest
        {
            Name = name,
            Mtu = mtu,
            Up = true,
            Master = enslave ? _route.GetLink("br0").Index : null,
            Kind = new VethKind { PeerName = "eth0", PeerNamespace = target.Descriptor, PeerMac = mac, PeerMtu = mtu },
        });
        return _route.GetLink(name).Index;
    }

    private JsonElement Show(string name) => _host.Ip($"-j -d link show {name}")[0];

    private IEnumerable<string?> Flags(string name) => Show(name).GetProperty("flags").EnumerateArray().Select(static f => f.GetString());

    /// <summary>IFLA_BR_FORWARD_DELAY is a u32; the kernel refuses two bytes.</summary>
    private sealed class WrongBridge : ILinkKind
    {
        public string Kind => "bridge";

        public void WriteData(AttributeWriter<IFLA_INFO> info)
        {
            using (info.Nest(IFLA_INFO.DATA, out AttributeWriter<IFLA_BR> data))
            {
                data.PutU16(IFLA_BR.FORWARD_DELAY, 1);
            }
        }
    }

    private sealed class NoKind : ILinkKind
    {
        public string Kind => "nosuchkind";

        public void WriteData(AttributeWriter<IFLA_INFO> info)
        {
        }
    }
}
