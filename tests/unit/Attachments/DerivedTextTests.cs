using System.Net;
using System.Security.Cryptography;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.UnitTests.Attachments;

/// <summary>Names and lines that must come out the same on every call, and as the reference has them.</summary>
public sealed class DerivedTextTests
{
    public static TheoryData<int> Lengths => [.. Enumerable.Range(0, 260)];

    [Theory, MemberData(nameof(Lengths))]
    public void Sha512_is_the_frameworks(int length)
    {
        byte[] message = [.. Enumerable.Range(0, length).Select(static i => (byte)(i % 251))];

        Assert.Equal(Convert.ToHexStringLower(SHA512.HashData(message)), Sha512.Hex(message));
    }

    [Fact]
    public void A_shapers_name_fits_and_depends_on_the_interface()
    {
        AttachmentId id = new("net1", "web-0123456789", "eth0");

        Assert.Matches("^ifb[0-9a-f]{11}$", AttachmentNames.Shaper(id));
        Assert.NotEqual(AttachmentNames.Shaper(id), AttachmentNames.Shaper(id with { IfName = "eth1" }));
        Assert.Matches("^bwp[0-9a-f]{12}$", AttachmentNames.ReferenceShaper(id));
    }

    [Fact]
    public void A_route_is_read_back_as_it_was_written()
    {
        InterfaceIndex link = new(7);
        IpRoute[] routes =
        [
            new(IPAddress.Any, 0) { Gateway = IPAddress.Parse("10.1.0.1"), Output = link },
            new(IPAddress.Parse("10.1.0.0"), 24) { Source = IPAddress.Parse("10.1.0.2"), Scope = RT_SCOPE.LINK, Output = link, Priority = 7 },
            new(IPAddress.Parse("2001:db8::"), 32) { Gateway = IPAddress.Parse("fe80::1"), Table = 100_000, Mtu = 1300, AdvMss = 1200, Priority = 1024, Output = link },
        ];

        Assert.All(routes, route => Assert.Equal(route, RouteText.TryRead(RouteText.Write(route), link)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.1.0.0")]
    [InlineData("10.1.0.0/x")]
    [InlineData("10.1.0.0/24 via")]
    [InlineData("10.1.0.0/24 via nowhere")]
    [InlineData("10.1.0.0/24 dev eth0")]
    [InlineData("10.1.0.0/24 scope 256")]
    public void A_line_that_is_no_route_is_none(string line) => Assert.Null(RouteText.TryRead(line, new InterfaceIndex(7)));
}
