using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.UnitTests.Netlink;

/// <summary>Captured replies, parsed.</summary>
public sealed class ReplyTests
{
    [Fact]
    public void A_bridge()
    {
        Link link = Parse("link-get-bridge-reply");

        // Made with 1400: a bridge whose MTU was given at birth, and not set later, takes that of its ports (br_mtu_auto_adjust).
        Assert.Equal(("br0", "bridge", 1500, "02:11:22:33:44:55"), (link.Name, link.Kind, link.Mtu, $"{link.Mac}"));
        Assert.False(link.VlanFiltering);
        Assert.False(link.IsUp);
        Assert.Null(link.Master);
        Assert.Null(link.Port);
        Assert.Empty(link.AlternativeNames);
    }

    [Fact]
    public void A_bridge_port_that_is_one_end_of_a_pair()
    {
        Link link = Parse("link-get-port-reply");

        Assert.Equal(("veth0", "veth", true), (link.Name, link.Kind, link.IsUp));
        Assert.Equal(IF_OPER.LOWERLAYERDOWN, link.OperState);
        Assert.NotNull(link.Master);
        Assert.NotNull(link.Peer);
        Assert.Equal(["web-c1-eth0-0123456789"], link.AlternativeNames);
        Assert.Equal(new BridgePort(BR_STATE.DISABLED, Hairpin: true, Isolated: true), link.Port);
    }

    [Fact]
    public void Addresses_are_written_as_they_are_read()
    {
        Assert.True(MacAddress.TryParse("02-AB-cd-00-00-01", out MacAddress mac));
        Assert.Equal("02:ab:cd:00:00:01", mac.ToString());
        Assert.True(mac.IsUnicast);
        foreach (string wrong in new[] { "", "02:ab", "02:ab:cd:00:00:0g", "02:ab:cd:00:00:001", "02:ab-cd:00:00:01", "02ab:cd:00:00:01:", " 2:ab:cd:00:00:01" })
        {
            Assert.False(MacAddress.TryParse(wrong, out _), wrong);
        }
    }

    [Fact]
    public void A_scope_left_open_is_found()
    {
        byte[] buffer = new byte[256];

        Assert.Throws<InvalidOperationException>(() =>
        {
            NetlinkMessage<IFLA> message = NetlinkMessage<IFLA>.Begin(buffer, 16, 0, 1, default(IfInfoMsg));
            using (message.Attributes.Nest(IFLA.LINKINFO, out AttributeWriter<IFLA_INFO> info))
            {
                _ = info.Nest(IFLA_INFO.DATA, out AttributeWriter<IFLA_BR> data);
                data.PutU8(IFLA_BR.VLAN_FILTERING, 1);
            }

            _ = message.Seal();
        });
        Assert.Throws<InvalidOperationException>(() =>
            NetlinkMessage<IFLA>.Begin(buffer, 16, 0, 1, default(IfInfoMsg)).Attributes.PutString(IFLA.IFNAME, new string('x', 300)));
    }

    private static Link Parse(string fixture)
    {
        byte[] reply = Fixture.Read(fixture);
        ScriptedSocket socket = new(request =>
        {
            request.AsSpan(8, 4).CopyTo(reply.AsSpan(8));
            return [reply, Wire.Ack(request)];
        });
        return RouteConnection.Open(socket).GetLink("x");
    }
}
