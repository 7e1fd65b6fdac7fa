using System.Text.RegularExpressions;
using CniPlugins.Plugins.Tuning;

namespace CniPlugins.UnitTests.Plugins;

/// <summary>Patterns of the allow list, beside the framework's regular expressions.</summary>
public sealed class AllowPatternTests
{
    private static readonly string[] s_texts =
    [
        "", "net", "net.ipv4.conf.IFNAME.arp_filter", "net/ipv4/conf/IFNAME/arp_filter", "net.core.somaxconn", "net.ipv4.tcp_keepalive_time", "xnet.ipv4.confx",
        "net.ipv4.ip_local_port_range", "aaab", "net.ipv4.conf.eth0-1.x", "a{2}", "]", "a.b", "axb", "a\nb", "NET", "net 1",
    ];

    [Theory]
    [InlineData("^net/ipv4/conf/.*$")]
    [InlineData("^net.ipv4.conf.IFNAME.[a-z_]*$")]
    [InlineData(@"^net\.ipv4\.conf\.IFNAME\.[a-z_]*$")]
    [InlineData("net.core")]
    [InlineData("^(net.core|net.ipv4)[.].*")]
    [InlineData("^(?:net|xnet)[./]ipv[46]")]
    [InlineData("tcp_(keepalive_)?time$")]
    [InlineData("^a{2,3}b$")]
    [InlineData("^a{4,}b$")]
    [InlineData("^a{3}b$")]
    [InlineData("^a{2}$")]
    [InlineData("a.b")]
    [InlineData("^[^n]")]
    [InlineData("[]]")]
    [InlineData("[a-]")]
    [InlineData(@"[\w-]+\d$")]
    [InlineData(@"\s\d$")]
    [InlineData(@"^\w+$")]
    [InlineData(@"\W")]
    [InlineData("^$")]
    [InlineData("")]
    [InlineData("(a|b)*?c|t$")]
    [InlineData("((a+)+)+$")]
    [InlineData("x+?y??|^net$")]
    [InlineData("a|")]
    public void Matches_as_the_framework_does(string pattern)
    {
        AllowPattern ours = AllowPattern.Parse(pattern);
        Regex theirs = new(pattern.Replace("$", "\\z", StringComparison.Ordinal), RegexOptions.ECMAScript & 0);

        Assert.All(s_texts, text => Assert.Equal(theirs.IsMatch(text), ours.IsMatch(text)));
    }

    [Theory]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("[a")]
    [InlineData("*a")]
    [InlineData("a**")]
    [InlineData("[z-a]")]
    [InlineData("(?i)net")]
    [InlineData("(?P<name>net)")]
    [InlineData(@"\bnet")]
    [InlineData(@"\pL")]
    [InlineData("[[:alpha:]]")]
    [InlineData("\\")]
    [InlineData("a{3,2}")]
    [InlineData("a{1001}")]
    [InlineData("((a{100}){100}){100}")]
    public void What_is_not_understood_is_refused(string pattern) => Assert.Throws<FormatException>(() => AllowPattern.Parse(pattern));

    /// <summary>A pattern for which a reader that tries one way after the other would need longer than the universe.</summary>
    [Fact]
    public void No_pattern_takes_long() => Assert.False(AllowPattern.Parse("^(a|aa|a?)*(a+)+$").IsMatch(new string('a', 5000) + "b"));
}
