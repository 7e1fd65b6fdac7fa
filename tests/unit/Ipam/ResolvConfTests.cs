using CniPlugins.Ipam;
using CniPlugins.Linux;

namespace CniPlugins.UnitTests.Ipam;

public sealed class ResolvConfTests
{
    [Theory]
    [InlineData("\n\t\tnameserver 192.0.2.0\n\t\tnameserver 192.0.2.1\n\t\t", "192.0.2.0 192.0.2.1||")]
    [InlineData("nameserver 192.0.2.0\n;nameserver 192.0.2.1\n#x y", "192.0.2.0||")]
    [InlineData(
        "nameserver 192.0.2.0\nnameserver 192.0.2.2\ndomain example.com\nsearch example.net example.org\nsearch example.gov\noptions one two three\noptions four\n",
        "192.0.2.0 192.0.2.2|example.com|example.net example.org example.gov|one two three four")]
    [InlineData("domain a\r\ndomain b\r\nnameserver\r\nsortlist 1.2.3.4\r\n nameserver\t2001:db8::1 ignored", "2001:db8::1|b|")]
    [InlineData("", "||")]
    public void HL_16_resolv_conf(string text, string expected)
    {
        ResolvConf conf = ResolvConf.Parse(text);
        string actual = $"{string.Join(' ', conf.Nameservers)}|{conf.Domain}|{string.Join(' ', conf.Search)}|{string.Join(' ', conf.Options)}";
        Assert.Equal(expected, actual.EndsWith('|') ? actual[..^1] : actual);
    }

    [Fact]
    public void HL_16_a_file_is_read_and_what_is_none_refused()
    {
        using TempDirectory temp = new();
        File.WriteAllText(temp["resolv.conf"], "nameserver 192.0.2.7");
        File.CreateSymbolicLink(temp["link"], "resolv.conf");
        Assert.Equal(["192.0.2.7"], ResolvConf.Read(temp["link"]).Nameservers);
        Assert.Throws<LinuxException>(() => ResolvConf.Read(temp["missing"]));
        Assert.Throws<IpamConfigException>(() => ResolvConf.Read(temp.Path));
        Assert.Throws<IpamConfigException>(() => ResolvConf.Read("/dev/zero"));
        File.WriteAllText(temp["huge"], new string('#', 70_000));
        Assert.Throws<IpamConfigException>(() => ResolvConf.Read(temp["huge"]));
    }
}
