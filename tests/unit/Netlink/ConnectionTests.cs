using System.Net;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;

namespace CniPlugins.UnitTests.Netlink;

/// <summary>What a connection makes of every kind of answer, the kernel's and others'.</summary>
public sealed class ConnectionTests
{
    private static readonly InterfaceIndex s_index = new(7);

    [Fact]
    public void An_acknowledgement_ends_a_request()
    {
        ScriptedSocket socket = new();
        using RouteConnection route = RouteConnection.Open(socket);

        route.SetUp(s_index);
        route.SetUp(s_index);

        Assert.Equal(2, socket.Sent.Count);
        Assert.NotEqual(Wire.SequenceOf(socket.Sent[0]), Wire.SequenceOf(socket.Sent[1]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_refusal_has_the_kernels_words_and_the_attributes_path(bool capped)
    {
        // Offset of IFLA_BR_VLAN_FILTERING: header 16, ifinfomsg 16, IFNAME 8, LINKINFO 4, KIND 12, DATA 4.
        ScriptedSocket socket = new(request => [Wire.Refusal(request, 95, "no such thing", 60, capped)]);
        using RouteConnection route = RouteConnection.Open(socket);

        NetlinkException refused = Assert.Throws<NetlinkException>(
            () => route.AddLink(new LinkRequest { Name = "br0", Kind = new BridgeKind(true) }));

        Assert.Equal(Errno.EOPNOTSUPP, refused.Errno);
        Assert.Equal("RTM_NEWLINK br0", refused.Operation);
        Assert.Equal("no such thing", refused.KernelMessage);
        Assert.Equal("LINKINFO/DATA/VLAN_FILTERING", refused.AttributePath);
        Assert.Equal("RTM_NEWLINK br0: Operation not supported (EOPNOTSUPP) at LINKINFO/DATA/VLAN_FILTERING: no such thing", refused.Message);
    }

    [Theory]
    [InlineData(32, "IFNAME")]
    [InlineData(40, "LINKINFO")]
    [InlineData(44, "LINKINFO/KIND")]
    [InlineData(56, "LINKINFO/DATA")]
    [InlineData(0, null)]
    [InlineData(-1, null)]
    [InlineData(20, null)]
    [InlineData(68, null)]
    [InlineData(int.MaxValue, null)]
    public void An_offset_is_resolved_by_walking_the_request(int offset, string? path)
    {
        ScriptedSocket socket = new(request => [Wire.Refusal(request, 22, null, offset)]);
        using RouteConnection route = RouteConnection.Open(socket);

        NetlinkException refused = Assert.Throws<NetlinkException>(
            () => route.AddLink(new LinkRequest { Name = "br0", Kind = new BridgeKind(true) }));

        Assert.Equal(path, refused.AttributePath);
        Assert.Null(refused.KernelMessage);
    }

    [Fact]
    public void Paths_of_other_requests()
    {
        Assert.Equal("METRICS/ADVMSS", PathAt(16 + 12 + 8 + 8 + 8 + 4 + 8, static route => route.AddRoute(new IpRoute(IPAddress.Parse("10.0.0.0"), 8)
        {
            Output = s_index,
            Mtu = 1,
            AdvMss = 2,
        })));
        Assert.Equal("PROTINFO/ISOLATED", PathAt(16 + 16 + 4 + 8, static route => route.SetBridgePort(s_index, true, true)));
        Assert.Equal("PROP_LIST/ALT_IFNAME", PathAt(16 + 16 + 4, static route => route.AddAlternativeName(s_index, "x")));
        Assert.Equal("LOCAL", PathAt(16 + 8, static route => route.AddAddress(s_index, new InterfaceAddress(IPAddress.Loopback, 8))));
        Assert.Equal("LINKINFO/DATA/PEER", PathAt(
            16 + 16 + 8 + 16 + 4 + 12 + 4 + 4 + 16, static route => route.AddLink(new LinkRequest { Name = "v", Kind = new VethKind { PeerName = "p" } })));
    }

    [Theory]
    [InlineData(19, true)]      // ENODEV
    [InlineData(2, true)]       // ENOENT
    [InlineData(1, false)]
    public void Find_takes_absence_for_an_answer(int errno, bool absent)
    {
        ScriptedSocket socket = new(request => [Wire.Refusal(request, errno)]);
        using RouteConnection route = RouteConnection.Open(socket);

        if (absent)
        {
            Assert.Null(route.FindLink("eth0"));
            Assert.Equal(Errno.ENODEV, Assert.Throws<NetlinkException>(() => route.GetLink("eth0")).Errno);
        }
        else
        {
            Assert.Equal("RTM_GETLINK eth0: Operation not permitted (EPERM)", Assert.Throws<NetlinkException>(() => route.FindLink("eth0")).Message);
        }
    }

    [Fact]
    public void Answers_and_acknowledgement_may_come_in_one_datagram_or_two()
    {
        byte[] link = Fixture.Read("link-get-bridge-reply");
        ScriptedSocket together = new(request => [(byte[])[.. As(link, request), .. Wire.Ack(request)]]);
        ScriptedSocket apart = new(request => [As(link, request), Wire.Ack(request)]);

        Assert.Equal("br0", RouteConnection.Open(together).FindLink("br0")?.Name);
        Assert.Equal("br0", RouteConnection.Open(apart).FindLink("br0")?.Name);
    }

    [Fact]
    public void A_dump_is_read_to_its_end()
    {
        byte[] link = Fixture.Read("link-get-bridge-reply");
        ScriptedSocket socket = new(request => [(byte[])[.. As(link, request), .. As(link, request)], As(link, request), Done(request)]);

        Assert.Equal(3, RouteConnection.Open(socket).ListLinks().Count);
    }

    [Fact]
    public void An_inconsistent_dump_is_repeated_and_then_given_up()
    {
        byte[] link = Fixture.Read("link-get-bridge-reply");
        int attempts = 0;
        ScriptedSocket settles = new(request => ++attempts < 3 ? [As(link, request, 0x12), As(link, request), Done(request)] : [As(link, request), Done(request)]);
        ScriptedSocket never = new(request => [As(link, request), Done(request, flags: 0x12)]);

        Assert.Single(RouteConnection.Open(settles).ListLinks());
        Assert.Equal(3, attempts);
        NetlinkException refused = Assert.Throws<NetlinkException>(() => RouteConnection.Open(never).ListLinks());
        Assert.Equal(Errno.EAGAIN, refused.Errno);
        Assert.Equal(8, never.Sent.Count);
    }

    [Fact]
    public void A_dump_that_fails_half_way_has_its_errno_in_the_end_mark()
    {
        byte[] words = [.. Wire.Number(-22), .. Wire.Attribute(1, "wrong table\0"u8)];
        ScriptedSocket socket = new(request => [Wire.Message(Wire.Done, 2, Wire.SequenceOf(request), words)]);

        NetlinkException refused = Assert.Throws<NetlinkException>(() => RouteConnection.Open(socket).ListLinks());

        Assert.Equal((Errno.EINVAL, "wrong table"), (refused.Errno, refused.KernelMessage));
        Assert.Single(socket.Sent);
    }

    [Fact]
    public void A_datagram_larger_than_the_buffer_is_read_whole()
    {
        byte[] link = Fixture.Read("link-get-bridge-reply");
        ScriptedSocket socket = new(request =>
            [(byte[])[.. Enumerable.Range(0, 200).SelectMany(_ => As(link, request))], Done(request)]);

        Assert.Equal(200, RouteConnection.Open(socket).ListLinks().Count);
    }

    [Fact]
    public void A_datagram_that_was_cut_off_is_an_error()
    {
        ScriptedSocket socket = new(request => [new ScriptedSocket.Datagram(new byte[40_000]) { Peeked = 100 }]);

        Assert.Throws<NetlinkFormatException>(() => RouteConnection.Open(socket).SetUp(s_index));
    }

    [Fact]
    public void What_is_not_the_answer_is_passed_over()
    {
        ScriptedSocket socket = new(static request =>
        [
            new ScriptedSocket.Datagram(Wire.Refusal(request, 1)) { Foreign = true },
            Wire.Message(Wire.Error, 0, 4242, [.. Wire.Number(-1), .. new byte[16]]),
            Wire.Message(1, 0, Wire.SequenceOf(request)),
            Array.Empty<byte>(),
            Wire.Ack(request),
        ]);

        RouteConnection.Open(socket).SetUp(s_index);
    }

    /// <summary>A container with CAP_NET_ADMIN can write to our socket in its namespace as often as it likes.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void There_is_an_end_to_what_is_passed_over(bool foreign)
    {
        ScriptedSocket socket = new(request => Enumerable.Repeat(
            new ScriptedSocket.Datagram(foreign ? Wire.Ack(request) : []) { Foreign = foreign }, 1_000_000));

        Assert.Throws<NetlinkFormatException>(() => RouteConnection.Open(socket).SetUp(s_index));
    }

    [Fact]
    public void No_answer_is_an_error_of_the_socket()
    {
        ScriptedSocket socket = new(static _ => []);

        Assert.Equal(Errno.EAGAIN, Assert.Throws<LinuxException>(() => RouteConnection.Open(socket).SetUp(s_index)).Errno);
    }

    /// <summary>Every truncation of a good answer, and lengths that lie, end in an error of their own.</summary>
    [Fact]
    public void Lengths_that_lie_are_format_errors()
    {
        byte[] link = Fixture.Read("link-get-bridge-reply");
        for (int length = 1; length < link.Length; length++)
        {
            ScriptedSocket socket = new(request => [As(link, request)[..length]]);
            Assert.Throws<NetlinkFormatException>(() => RouteConnection.Open(socket).FindLink("br0"));
        }

        foreach (uint lie in new uint[] { 0, 1, 15, uint.MaxValue, int.MaxValue, (uint)link.Length + 1 })
        {
            ScriptedSocket socket = new(request =>
            {
                byte[] bytes = As(link, request);
                Wire.Number(unchecked((int)lie)).CopyTo(bytes, 0);
                return [bytes];
            });
            Assert.Throws<NetlinkFormatException>(() => RouteConnection.Open(socket).FindLink("br0"));
        }
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 5, 0, 0, 0 })]                 // a positive error number
    [InlineData(new byte[] { 0, 0, 0, 0x80 })]              // one that has no positive
    public void Errors_without_a_sensible_number_are_format_errors(byte[] payload)
    {
        ScriptedSocket socket = new(request => [Wire.Message(Wire.Error, 0x300, Wire.SequenceOf(request), payload)]);

        Assert.Throws<NetlinkFormatException>(() => RouteConnection.Open(socket).SetUp(s_index));
    }

    [Fact]
    public void An_explanation_that_cannot_be_read_does_not_hide_the_errno()
    {
        ScriptedSocket socket = new(request => [Wire.Message(
            Wire.Error, 0x300, Wire.SequenceOf(request), [.. Wire.Number(-17), .. request[..16], 200, 0, 1, 0, 65, 66])]);

        NetlinkException refused = Assert.Throws<NetlinkException>(() => RouteConnection.Open(socket).SetUp(s_index));

        Assert.Equal((Errno.EEXIST, null), (refused.Errno, refused.KernelMessage));
    }

    [Fact]
    public void Lost_data_is_an_error() => Assert.Throws<NetlinkFormatException>(
        () => RouteConnection.Open(new ScriptedSocket(request => [Wire.Message(4, 0, Wire.SequenceOf(request))])).ListLinks());

    private static string? PathAt(int offset, Action<RouteConnection> call)
    {
        using RouteConnection route = RouteConnection.Open(new ScriptedSocket(request => [Wire.Refusal(request, 22, null, offset)]));
        return Assert.Throws<NetlinkException>(() => call(route)).AttributePath;
    }

    private static byte[] Done(byte[] request, ushort flags = 2) => Wire.Message(Wire.Done, flags, Wire.SequenceOf(request), Wire.Number(0));

    /// <summary>A captured reply as the answer to this request.</summary>
    private static byte[] As(byte[] reply, byte[] request, ushort flags = 2)
    {
        byte[] bytes = [.. reply];
        request.AsSpan(8, 4).CopyTo(bytes.AsSpan(8));
        bytes[6] = (byte)flags;
        return bytes;
    }
}
