using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

public sealed class IpTextTests
{
    [Theory]
    [InlineData("10.1.0.5/24", "10.1.0.5/24")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("::/0", "::/0")]
    [InlineData("FD00:0:0:0:0:0:0:5/64", "fd00::5/64")]
    [InlineData("2001:db8:0:0:1:0:0:1/128", "2001:db8::1:0:0:1/128")]
    [InlineData("2001:0:1:1:1:1:1:1/128", "2001:0:1:1:1:1:1:1/128")]
    [InlineData("::102:304/96", "::102:304/96")]
    [InlineData("fe80::5efe:102:304/64", "fe80::5efe:102:304/64")]
    [InlineData("::ffff:10.1.0.5/120", "10.1.0.5/24")]
    [InlineData("1:2:3:4:5:6:7::/64", "1:2:3:4:5:6:7:0/64")]
    [InlineData("::1/128", "::1/128")]
    public void Prefixes_read_and_write_as_in_go(string text, string expected)
    {
        (System.Net.IPAddress address, int length) = IpText.FindPrefix(text)!.Value;
        Assert.Equal(expected, IpText.Format(address, length));
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.1.0.5")]
    [InlineData("10.1.0.5/")]
    [InlineData("10.1.0.5/33")]
    [InlineData("10.1.0.5/-1")]
    [InlineData("10.1.0.5/024")]
    [InlineData("10.1.0.5/24/1")]
    [InlineData("10.1.0/24")]
    [InlineData("10.1.0.05/24")]
    [InlineData("10.1.0.256/24")]
    [InlineData("0x0a.1.0.5/24")]
    [InlineData(" 10.1.0.5/24")]
    [InlineData("fd00::5/129")]
    [InlineData("[fd00::5]/64")]
    [InlineData("fe80::1%eth0/64")]
    [InlineData("::ffff:10.1.0.5/24")]
    [InlineData("fd00::5 /64")]
    [InlineData(":/64")]
    public void What_go_refuses_is_refused(string text) => Assert.Null(IpText.FindPrefix(text));
}
