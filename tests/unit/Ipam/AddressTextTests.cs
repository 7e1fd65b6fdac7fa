using System.Net;
using CniPlugins.Ipam;
using CsCheck;

namespace CniPlugins.UnitTests.Ipam;

/// <summary>File names must be what Go writes, to the letter.</summary>
public sealed class AddressTextTests
{
    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("1::", "1::")]
    [InlineData("2001:DB8::1", "2001:db8::1")]
    [InlineData("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1")]
    [InlineData("2001:0:0:1:0:0:0:1", "2001:0:0:1::1")]
    [InlineData("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1")]
    [InlineData("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0")]
    [InlineData("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8")]
    [InlineData("fd00::5efe:10.0.0.1", "fd00::5efe:a00:1")]
    [InlineData("::1.2.3.4", "::102:304")]
    [InlineData("::ffff:10.1.2.3", "10.1.2.3")]
    [InlineData("64:ff9b::192.0.2.33", "64:ff9b::c000:221")]
    public void Reads_and_writes_as_Go_does(string text, string canonical)
    {
        Assert.True(AddressText.TryParse(text, out IPAddress address));
        Assert.Equal(canonical, AddressText.Format(address));
        Assert.True(AddressText.TryParse(canonical, out IPAddress again));
        Assert.Equal(address, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.1")]
    [InlineData("10.0.0.01")]
    [InlineData("10.0.0.256")]
    [InlineData("10.0.0.1.")]
    [InlineData("10.0.0.1 ")]
    [InlineData("10.0.0.-1")]
    [InlineData("0x0a.0.0.1")]
    [InlineData("167772161")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData("1:::2")]
    [InlineData("1::2::3")]
    [InlineData(":1::2")]
    [InlineData("1::2:")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("1:2:3:4:5:6:7:8::")]
    [InlineData("::1:2:3:4:5:6:7:8")]
    [InlineData("12345::")]
    [InlineData("g::")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[::1]")]
    [InlineData("1:2:3:4:5:6:7:1.2.3.4")]
    [InlineData("1.2.3.4::")]
    [InlineData("::1.2.3")]
    [InlineData("last_reserved_ip.0")]
    [InlineData("lock")]
    public void Refuses_what_Go_refuses(string text) => Assert.False(AddressText.TryParse(text, out _));

    [Fact]
    public void Every_address_survives_its_text() =>
        Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong[0, 0xFFFF_FFFF_FFFF]).Sample((high, low, mask) =>
        {
            // Zero groups are rare in random bits; make them.
            UInt128 number = new(high & ((mask & 0xFF) * 0x0101_0101_0101_0101), low & (((mask >> 8) & 0xFF) * 0x0101_0101_0101_0101));
            IPAddress address = AddressMath.ToAddress(number);
            return AddressText.TryParse(AddressText.Format(address), out IPAddress again) && again.Equals(address)
                && AddressText.TryParse(address.ToString(), out again) && again.Equals(address);
        });

    [Fact]
    public void Never_throws_on_anything() =>
        Gen.String[Gen.Char["0123456789abcdefg:./%[] "], 0, 48].Sample(text =>
        {
            if (AddressText.TryParse(text, out IPAddress address))
            {
                Assert.True(IPAddress.TryParse(text, out IPAddress? same));
                Assert.Equal(AddressMath.Normalise(same), address);
            }

            Assert.False(IpPrefix.TryParse(text, out IpPrefix prefix) && prefix.First > prefix.Last);
        });

    [Theory]
    [InlineData("10.1.2.3/24", "10.1.2.0/24", "10.1.2.0", "10.1.2.255")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0", "0.0.0.0", "255.255.255.255")]
    [InlineData("2001:db8::ffff/112", "2001:db8::/112", "2001:db8::", "2001:db8::ffff")]
    [InlineData("::/0", "::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("::ffff:10.0.0.0/104", "10.0.0.0/8", "10.0.0.0", "10.255.255.255")]
    public void Prefixes_know_their_ends(string text, string network, string first, string last)
    {
        Assert.True(IpPrefix.TryParse(text, out IpPrefix prefix));
        Assert.Equal(network, prefix.Network.ToString());
        Assert.Equal(first, AddressText.Format(prefix.First));
        Assert.Equal(last, AddressText.Format(prefix.Last));
    }

    [Theory]
    [InlineData("10.0.0.0")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/024")]
    [InlineData("10.0.0.0/+8")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("::/129")]
    [InlineData("::ffff:10.0.0.0/24")]
    public void Refuses_what_is_no_prefix(string text) => Assert.False(IpPrefix.TryParse(text, out _));
}
