using System.Net;
using System.Net.Sockets;
using CniPlugins.Ipam;

namespace CniPlugins.UnitTests.Ipam;

public sealed class AddressRangeTests
{
    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.1", "192.0.2.254", "192.0.2.1")]
    [InlineData("192.0.2.0/25", "192.0.2.1", "192.0.2.126", "192.0.2.1")]
    [InlineData("192.0.2.0/30", "192.0.2.1", "192.0.2.2", "192.0.2.1")]
    [InlineData("2001:db8:1::/64", "2001:db8:1::1", "2001:db8:1:0:ffff:ffff:ffff:ffff", "2001:db8:1::1")]
    [InlineData("2001:db8:1::/126", "2001:db8:1::1", "2001:db8:1::3", "2001:db8:1::1")]
    public void HL_13_defaults(string subnet, string start, string end, string gateway) => Check(subnet, start, end, gateway);

    // Beyond the reference: RFC 3021 and RFC 6164.
    [Theory]
    [InlineData("192.0.2.2/31", "192.0.2.2", "192.0.2.3", "192.0.2.2")]
    [InlineData("2001:db8::/127", "2001:db8::", "2001:db8::1", "2001:db8::")]
    public void Point_to_point_subnets_are_allowed(string subnet, string start, string end, string gateway) =>
        Check(subnet, start, end, gateway);

    [Fact]
    public void HL_13_full_parse() =>
        Check("192.0.2.0/24;192.0.2.40;192.0.2.50;192.0.2.254", "192.0.2.40", "192.0.2.50", "192.0.2.254");

    [Fact]
    public void HL_13_the_network_address_is_accepted_as_start_and_the_broadcast_address_as_end() =>
        Check("192.0.2.0/24;192.0.2.0;192.0.2.255", "192.0.2.0", "192.0.2.255", "192.0.2.1");

    [Fact]
    public void HL_13_a_gateway_outside_the_subnet_is_accepted() =>
        Check("192.0.2.0/24;;;198.51.100.1", "192.0.2.1", "192.0.2.254", "198.51.100.1");

    [Theory]
    [InlineData("192.0.2.12/24", "192.0.2.0/24")]
    [InlineData("192.168.127.0/23", "192.168.126.0/23")]
    [InlineData("2001:DB8:1::24:19ff:fee1:c44a/64", "2001:db8:1::/64")]
    [InlineData("2001:DB8:24:19ff::/63", "2001:db8:24:19fe::/63")]
    public void HL_13_masked_address_rejected(string subnet, string network) => Refuse(subnet, "host bits", network);

    [Theory]
    [InlineData("192.0.2.0/32")]
    [InlineData("2001:db8::/128")]
    public void HL_13_too_small(string subnet) => Refuse(subnet, "too small");

    [Theory]
    [InlineData("192.0.2.0/24;192.0.3.0", "rangeStart 192.0.3.0")]
    [InlineData("192.0.2.0/24;;192.0.4.0", "rangeEnd 192.0.4.0")]
    [InlineData("192.0.2.0/24;2001:db8::1", "rangeStart 2001:db8::1")]
    [InlineData("192.0.2.0/24;192.0.2.50;192.0.2.40", "after rangeEnd 192.0.2.40")]
    [InlineData("192.0.2.0/24;;;2001:db8::1", "gateway 2001:db8::1")]
    [InlineData("2001:db8::/64;;;192.0.2.1", "gateway 192.0.2.1")]
    [InlineData("::/64", "IPv4-mapped")]
    [InlineData("::/0", "IPv4-mapped")]
    public void HL_13_bad_start_end_and_gateway(string range, string message) => Refuse(range, message);

    [Theory]
    [InlineData("192.0.2.0/24;192.0.2.40;192.0.2.50", "192.0.3.0", false)]
    [InlineData("192.0.2.0/24;192.0.2.40;192.0.2.50", "192.0.2.39", false)]
    [InlineData("192.0.2.0/24;192.0.2.40;192.0.2.50", "192.0.2.40", true)]
    [InlineData("192.0.2.0/24;192.0.2.40;192.0.2.50", "192.0.2.50", true)]
    [InlineData("192.0.2.0/24;192.0.2.40;192.0.2.50", "192.0.2.51", false)]
    [InlineData("192.0.2.0/24;192.0.2.40;192.0.2.50", "::ffff:192.0.2.45", true)]
    [InlineData("192.0.2.0/24", "2001:db8::1", false)]
    [InlineData("2001:db8:1::/64;2001:db8:1::40;2001:db8:1::50", "2001:db8:2::", false)]
    [InlineData("2001:db8:1::/64;2001:db8:1::40;2001:db8:1::50", "2001:db8:1::39", false)]
    [InlineData("2001:db8:1::/64;2001:db8:1::40;2001:db8:1::50", "2001:db8:1::40", true)]
    [InlineData("2001:db8:1::/64;2001:db8:1::40;2001:db8:1::50", "2001:db8:1::50", true)]
    [InlineData("2001:db8:1::/64;2001:db8:1::40;2001:db8:1::50", "2001:db8:1::51", false)]
    public void HL_13_contains(string range, string address, bool expected) =>
        Assert.Equal(expected, TestStore.Range(range).Contains(IPAddress.Parse(address)));

    [Theory]
    [InlineData("10.0.0.0/24", "10.0.1.0/24", false)]
    [InlineData("0.0.0.0/24", "1000::/24", false)]
    [InlineData("10.0.0.0/24", "10.0.0.0/24", true)]
    [InlineData("10.0.0.0/20", "10.0.1.0/24", true)]
    [InlineData("10.0.0.0/24;;10.0.0.127", "10.0.0.0/24;10.0.0.128", false)]
    [InlineData("10.0.0.0/24;;10.0.0.127", "10.0.0.0/24;10.0.0.127", true)]
    public void HL_13_overlaps_both_ways(string one, string other, bool expected)
    {
        Assert.Equal(expected, TestStore.Range(one).Overlaps(TestStore.Range(other)));
        Assert.Equal(expected, TestStore.Range(other).Overlaps(TestStore.Range(one)));
    }

    [Fact]
    public void HL_14_a_set_contains_what_its_ranges_contain()
    {
        RangeSet set = TestStore.Plan("192.168.1.0/24,192.168.2.0/24").Sets[0];
        Assert.True(set.Contains(IPAddress.Parse("192.168.1.55")));
        Assert.True(set.Contains(IPAddress.Parse("192.168.2.55")));
        Assert.False(set.Contains(IPAddress.Parse("192.168.3.55")));
        Assert.Equal("192.168.1.1-192.168.1.254,192.168.2.1-192.168.2.254", set.ToString());
    }

    [Theory]
    [InlineData("192.168.0.0/20,192.168.2.0/24", "overlap")]
    [InlineData("192.168.1.0/24,2001:db8::/64", "different families")]
    [InlineData("192.168.0.0/20 192.168.2.0/24", "range set 0 .* overlaps range set 1")]
    [InlineData("192.168.1.0/24,192.168.9.0/24 10.0.0.0/24 192.168.9.128/25", "range set 0 .* overlaps range set 2")]
    public void HL_14_overlaps_and_mixed_families_are_refused(string plan, string message) =>
        Assert.Matches(message, Assert.Throws<IpamConfigException>(() => TestStore.Plan(plan)).Message);

    [Fact]
    public void HL_14_nothing_is_refused()
    {
        Assert.Throws<IpamConfigException>(() => new RangeSet());
        Assert.Throws<IpamConfigException>(() => new AddressPlan());
    }

    [Fact]
    public void HL_15_sets_are_counted_by_family()
    {
        AddressPlan plan = TestStore.Plan("10.0.0.0/24 10.0.1.0/24 2001:db8::/64");
        Assert.Equal(2, plan.Count(AddressFamily.InterNetwork));
        Assert.Equal(1, plan.Count(AddressFamily.InterNetworkV6));
    }

    private static void Check(string text, string start, string end, string gateway)
    {
        AddressRange range = TestStore.Range(text);
        Assert.Equal((start, end, gateway), (AddressText.Format(range.Start), AddressText.Format(range.End), AddressText.Format(range.Gateway)));
    }

    private static void Refuse(string text, params string[] words)
    {
        IpamConfigException exception = Assert.Throws<IpamConfigException>(() => TestStore.Range(text));
        Assert.All(words, word => Assert.Contains(word, exception.Message, StringComparison.Ordinal));
    }
}
