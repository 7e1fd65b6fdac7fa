using System.Net;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.UnitTests.Netlink;

/// <summary>Our requests beside those of iproute2 for the same thing; every difference is named, with its reason.</summary>
public sealed class RequestTests
{
    private static readonly InterfaceIndex s_veth = new(4);

    [Fact]
    public void Link_bridge_add() => Compare(
        "link-bridge-add",
        static route => route.AddLink(new LinkRequest { Name = "br0", Mtu = 1400, Mac = Mac("02:11:22:33:44:55"), Kind = new BridgeKind(false) }),
        16,
        "- 18/1 = 627269646765",      // iproute2 leaves the NUL out
        "+ 18/1 = 62726964676500");

    [Fact]
    public void Link_bridge_add_with_vlan_filtering() => Compare(
        "link-bridge-vlan-add",
        static route => route.AddLink(new LinkRequest { Name = "br1", Kind = new BridgeKind(true) }),
        16,
        "- 18/1 = 627269646765",
        "+ 18/1 = 62726964676500");

    [Fact]
    public void Link_veth_add_with_the_peer_in_another_namespace() => Compare(
        "link-veth-add",
        static route => route.AddLink(new LinkRequest
        {
            Name = "veth0",
            Kind = new VethKind { PeerName = "eth0", PeerNamespace = 4, PeerMac = Mac("02:00:00:00:00:09"), PeerMtu = 1300 },
        }),
        16,
        "- 18/1 = 76657468",
        "+ 18/1 = 7665746800",
        "+ 18/2/1/31 = 01000000",     // one queue each way, see LinkRequest
        "+ 18/2/1/32 = 01000000",
        "+ 31 = 01000000",
        "+ 32 = 01000000");

    [Fact]
    public void Link_set_up()
    {
        // iproute2 enslaves and brings up in one request; ours does at birth, or brings up alone.
        Compare("link-set-master-up", static route => route.SetUp(s_veth), 16, "- 10 = 02000000", "- type 16", "+ type 19");
    }

    [Fact]
    public void Link_property_add() => Compare(
        "link-altname",
        static route => route.AddAlternativeName(s_veth, "web-c1-eth0-0123456789"),
        16,
        "- flags 0xe05",              // NLM_F_APPEND too, which the kernel does not look at
        "+ flags 0x605");

    [Fact]
    public void Link_delete() => Compare("link-delete", static route => route.TryDeleteLink(s_veth), 16);

    [Fact]
    public void Address_add_v4() => Compare(
        "address-add-v4", static route => route.EnsureAddress(s_veth, new InterfaceAddress(IPAddress.Parse("10.1.2.3"), 24)), 8);

    [Fact]
    public void Address_add_v6() => Compare(
        "address-add-v6",
        static route => route.EnsureAddress(s_veth, new InterfaceAddress(IPAddress.Parse("fd00::3"), 64) { Flags = IFA_F.NODAD }),
        8,
        "- header 0a40020004000000",   // the flag in the header as well
        "+ 8 = 02000000",
        "+ header 0a40000004000000");

    [Fact]
    public void Route_add() => Compare(
        "route-add",
        static route => route.AddRoute(new IpRoute(IPAddress.Parse("192.0.2.0"), 24)
        {
            Gateway = IPAddress.Parse("10.1.2.1"),
            Output = s_veth,
            Source = IPAddress.Parse("10.1.2.3"),
            Priority = 5,
            Table = 1000,
            Mtu = 1300,
            AdvMss = 1200,
        }),
        12,
        "- flags 0x605",              // ip route add is NLM_F_EXCL, see AddRoute
        "+ flags 0x405");

    [Fact]
    public void Neighbour_delete() => Compare(
        "neighbour-delete",
        static route => route.TryDeleteNeighbour(s_veth, IPAddress.Parse("10.1.2.9")),
        12,
        "- header 020000000400000080000000",   // NUD_PERMANENT, which a deletion does not look at
        "+ header 020000000400000000000000");

    [Fact]
    public void Bridge_port_set() => Compare("port-set", static route => route.SetBridgePort(s_veth, hairpin: true, isolated: true), 16);

    [Fact]
    public void Bridge_vlan_add_of_a_range() => Compare(
        "vlan-add", static route => route.AddPortVlans(s_veth, new VlanRange(200, 203), pvidUntagged: false), 16);

    [Fact]
    public void Bridge_vlan_add_pvid_untagged() => Compare(
        "vlan-add-pvid", static route => route.AddPortVlans(s_veth, new VlanRange(100, 100), pvidUntagged: true), 16);

    internal static MacAddress Mac(string text) => MacAddress.TryParse(text, out MacAddress mac) ? mac : throw new FormatException(text);

    internal static void Compare(string fixture, Action<RouteConnection> request, int headerLength, params string[] differences)
    {
        ScriptedSocket socket = new();
        using RouteConnection route = RouteConnection.Open(socket);

        request(route);

        Assert.Equal(differences, Wire.Difference(Fixture.Read(fixture), Assert.Single(socket.Sent), headerLength));
    }
}
