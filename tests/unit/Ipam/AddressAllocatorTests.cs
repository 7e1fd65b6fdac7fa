using System.Net;
using CniPlugins.Ipam;

namespace CniPlugins.UnitTests.Ipam;

public sealed class AddressAllocatorTests
{
    [Fact]
    public void HL_01_two_sets_give_two_addresses_and_the_reference_s_files()
    {
        using TestStore store = new();
        AddressPlan plan = TestStore.Plan("10.1.2.0/24,10.2.2.0/24 2001:db8:1::/64");

        IReadOnlyList<Lease> leases = store.Allocate(plan, "dummy");

        Assert.Equal(
            [
                new Lease(IPAddress.Parse("10.1.2.2"), 24, IPAddress.Parse("10.1.2.1"), 0),
                new Lease(IPAddress.Parse("2001:db8:1::2"), 64, IPAddress.Parse("2001:db8:1::1"), 1),
            ],
            leases);
        Assert.Equal("dummy\r\neth0", store.Read("10.1.2.2"));
        Assert.Equal("dummy\r\neth0", store.Read("2001:db8:1::2"));
        Assert.Equal("10.1.2.2", store.Read("last_reserved_ip.0"));
        Assert.Equal("2001:db8:1::2", store.Read("last_reserved_ip.1"));
        Assert.Equal(0, new FileInfo(Path.Combine(store.Directory, "lock")).Length);

        Assert.Equal(2, store.Release("dummy"));
        Assert.Empty(store.Leases());
    }

    [Fact]
    public void HL_03_a_second_add_is_refused_and_takes_nothing_away()
    {
        using TestStore store = new();
        AddressPlan plan = TestStore.Plan("10.1.2.0/24 2001:db8:1::/64");
        store.Allocate(plan, "dummy");
        LeaseExistsException exception = Assert.Throws<LeaseExistsException>(() => store.Allocate(plan, "dummy"));
        Assert.Equal(IPAddress.Parse("10.1.2.2"), exception.Address);
        Assert.Equal(["10.1.2.2", "2001:db8:1::2"], store.Leases());
    }

    [Fact]
    public void HL_03_the_oldest_form_counts_as_a_lease_of_every_interface()
    {
        using TestStore store = new();
        store.Plant("10.1.2.9", "dummy");
        Assert.Throws<LeaseExistsException>(() => store.Allocate(TestStore.Plan("10.1.2.0/24"), "dummy"));
    }

    [Theory]
    [InlineData("10.1.2.0/24", "10.1.2.88", "10.1.2.88")]                                                       // HL-08
    [InlineData("10.1.2.0/24 10.1.3.0/24", "10.1.2.77 10.1.3.77", "10.1.2.77 10.1.3.77")]                        // HL-09
    [InlineData("10.1.2.0/24 10.1.3.0/24", "10.1.3.77", "10.1.2.2 10.1.3.77")]
    [InlineData("10.1.2.0/24 10.1.3.0/24", "10.1.3.77 10.1.2.77 10.1.3.77", "10.1.2.77 10.1.3.77")]              // the same one twice
    [InlineData("172.16.1.0/24 2001:db8:1::/24", "172.16.1.11 2001:db8:1::999", "172.16.1.11 2001:db8:1::999")]  // HL-10
    [InlineData("10.1.2.0/24", "::ffff:10.1.2.88", "10.1.2.88")]
    public void HL_08_to_10_requested_addresses(string plan, string requested, string expected)
    {
        plan = plan.Replace("2001:db8:1::/24", "2001:d00::/24", StringComparison.Ordinal);
        using TestStore store = new();
        IReadOnlyList<Lease> leases = store.Allocate(TestStore.Plan(plan), "dummy", requested.Split(' '));
        Assert.Equal(expected, string.Join(' ', leases.Select(l => AddressText.Format(l.Address))));
    }

    [Theory]
    [InlineData("10.1.2.77 10.1.2.88", "one too many")]
    [InlineData("10.1.2.77 10.9.9.9", "in none of the network's ranges")]
    [InlineData("10.1.2.1", "gateway")]
    public void HL_11_a_request_that_cannot_be_met_keeps_nothing(string requested, string message)
    {
        using TestStore store = new();
        AddressPlan plan = TestStore.Plan("2001:db8::/64 10.1.2.0/24");
        AddressUnavailableException exception =
            Assert.Throws<AddressUnavailableException>(() => store.Allocate(plan, "dummy", requested.Split(' ')));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Directory.CreateDirectory(store.Directory);
        Assert.Empty(store.Leases());
    }

    [Fact]
    public void HL_11_a_later_set_that_fails_gives_back_what_earlier_ones_gave_and_no_more()
    {
        using TestStore store = new();
        store.Plant("10.1.2.50", "dummy\r\neth0");   // of another range, from before
        AddressPlan plan = TestStore.Plan("2001:db8::/64 10.0.0.0/30");
        store.Plant("10.0.0.2", "other\r\neth0");
        Assert.Throws<PoolExhaustedException>(() => store.Allocate(plan, "dummy"));
        Assert.Equal(["10.0.0.2", "10.1.2.50"], store.Leases());
    }

    // plan | taken | last reserved | expected
    [Theory]
    [InlineData("10.0.0.0/29", "", "", "10.0.0.2")]
    [InlineData("2001:db8:1::/64", "", "", "2001:db8:1::2")]
    [InlineData("10.0.0.0/30", "", "", "10.0.0.2")]
    [InlineData("10.0.0.0/29", "10.0.0.2", "", "10.0.0.3")]
    [InlineData("10.0.0.0/29", "", "10.0.0.5", "10.0.0.6")]
    [InlineData("10.0.0.0/29", "10.0.0.4 10.0.0.5", "10.0.0.3", "10.0.0.6")]
    [InlineData("10.0.0.0/29", "10.0.0.6", "10.0.0.5", "10.0.0.2")]
    [InlineData("10.0.0.0/29", "10.0.0.2", "10.0.0.128", "10.0.0.3")]
    [InlineData("10.0.0.0/29", "10.0.0.2 10.0.0.4 10.0.0.5 10.0.0.6", "10.0.0.3", "10.0.0.3")]
    [InlineData("10.0.0.0/30,10.0.1.0/30", "", "", "10.0.0.2")]
    [InlineData("10.0.0.0/30,10.0.1.0/30", "", "10.0.0.2", "10.0.1.2")]
    [InlineData("10.0.0.0/30,10.0.1.0/30,10.0.2.0/30", "", "10.0.2.2", "10.0.0.2")]
    [InlineData("192.168.1.0/30;192.168.1.0;192.168.1.3,192.168.2.0/30;192.168.2.0;192.168.2.3", "", "192.168.1.3", "192.168.2.0")]
    [InlineData("192.168.1.0/30;192.168.1.0;192.168.1.3,192.168.2.0/30;192.168.2.0;192.168.2.3", "", "", "192.168.1.0")]
    [InlineData("10.0.0.0/29", "", "garbage", "10.0.0.2")]
    [InlineData("10.0.0.0/29", "", " 10.0.0.4\n", "10.0.0.5")]
    [InlineData("10.0.0.0/31", "", "", "10.0.0.1")]
    [InlineData("2001:db8::/127", "", "", "2001:db8::1")]
    [InlineData("10.0.0.0/29;;;10.9.9.9", "", "", "10.0.0.1")]
    [InlineData("10.0.0.0/29;;;10.0.0.3", "10.0.0.1", "10.0.0.2", "10.0.0.4")]
    [InlineData("2001:db8::/64", "", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::2")]
    [InlineData("2001:db8::/64", "2001:db8::2 2001:db8::3", "2001:db8:0:0:1::", "2001:db8::1:0:0:1")]
    public void HL_12_allocator_table(string plan, string taken, string last, string expected)
    {
        using TestStore store = new();
        foreach (string address in taken.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            store.Plant(address, "id\r\neth0");
        }

        if (last.Length > 0)
        {
            store.Plant("last_reserved_ip.0", last);
        }

        Assert.Equal(expected, store.Next(TestStore.Plan(plan), "ID"));
    }

    [Fact]
    public void HL_12_wraps_round_and_never_gives_the_broadcast_address()
    {
        using TestStore store = new();
        AddressPlan plan = TestStore.Plan("192.168.1.0/29");
        Assert.Equal(
            ["192.168.1.2", "192.168.1.3", "192.168.1.4", "192.168.1.5", "192.168.1.6"],
            Enumerable.Range(2, 5).Select(i => store.Next(plan, $"ID{i}")));
        Assert.Throws<PoolExhaustedException>(() => store.Next(plan, "ID8"));
        store.Release("ID4");
        Assert.Equal("192.168.1.4", store.Next(plan, "ID8"));
    }

    [Fact]
    public void HL_12_round_robin_after_release()
    {
        using TestStore store = new();
        AddressPlan plan = TestStore.Plan("192.168.1.0/29");
        Assert.Equal("192.168.1.2", store.Next(plan, "ID"));
        store.Release("ID");
        Assert.Equal("192.168.1.3", store.Next(plan, "ID"));
    }

    [Theory]
    [InlineData("192.168.1.0/29", "192.168.1.5", null)]
    [InlineData("192.168.1.0/29;;192.168.1.4", "192.168.1.5", "none of")]
    [InlineData("192.168.1.0/29;192.168.1.3", "192.168.1.2", "none of")]
    public void HL_12_requested_addresses_are_checked_against_the_range(string plan, string requested, string? message)
    {
        using TestStore store = new();
        if (message is null)
        {
            Assert.Equal(requested, store.Next(TestStore.Plan(plan), "ID", requested));
            Assert.Throws<LeaseExistsException>(() => store.Next(TestStore.Plan(plan), "ID", requested));
            Assert.Contains(
                "another container",
                Assert.Throws<AddressUnavailableException>(() => store.Next(TestStore.Plan(plan), "ID2", requested)).Message,
                StringComparison.Ordinal);
            return;
        }

        Assert.Contains(
            message, Assert.Throws<AddressUnavailableException>(() => store.Next(TestStore.Plan(plan), "ID", requested)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.0/30", "10.0.0.2", "1 of 1")]
    [InlineData("10.0.0.0/29", "10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6", "5 of 5")]
    [InlineData("10.0.0.0/30,10.0.1.0/30", "10.0.0.2 10.0.1.2", "2 of 2")]
    public void HL_12_exhausted_says_how_much_is_in_use(string plan, string taken, string use)
    {
        using TestStore store = new();
        foreach (string address in taken.Split(' '))
        {
            store.Plant(address, "id\r\neth0");
        }

        PoolExhaustedException exception = Assert.Throws<PoolExhaustedException>(() => store.Next(TestStore.Plan(plan), "ID"));
        Assert.Contains(use, exception.Message, StringComparison.Ordinal);
        Assert.Equal((UInt128)0, exception.Use.Free);
    }

    [Fact]
    public void Use_counts_what_is_free()
    {
        using TestStore store = new();
        AddressPlan plan = TestStore.Plan("10.0.0.0/24 2001:db8::/64");
        store.Allocate(plan, "a");
        store.Allocate(plan, "b");
        using LeaseStore open = store.Open();
        IReadOnlyList<PoolUse> use = new AddressAllocator(plan, open).GetUse();
        Assert.Equal((253, 251), ((int)use[0].Total, (int)use[0].Free));
        Assert.Equal((UInt128)ulong.MaxValue - 1 - 2, use[1].Free);
    }

    [Fact]
    public void Held_down_addresses_come_last_and_the_longest_released_first()
    {
        using TestStore store = new(TimeSpan.FromSeconds(30));
        AddressPlan plan = TestStore.Plan("10.0.0.0/29");
        foreach (int i in Enumerable.Range(2, 4))
        {
            store.Next(plan, $"ID{i}");   // .2 to .5
        }

        store.Release("ID3");
        store.Wait(TimeSpan.FromSeconds(1));
        store.Release("ID2");
        Assert.Equal("10.0.0.6", store.Next(plan, "a"));
        Assert.Equal("10.0.0.3", store.Next(plan, "b"));   // .2 is next in turn, .3 has rested longer
        store.Wait(TimeSpan.FromSeconds(31));
        Assert.Equal("10.0.0.2", store.Next(plan, "c"));
    }

    [Theory]
    [InlineData("10.0.0.0/29", "10.0.0.2/31 10.0.0.6/32", "10.0.0.1-10.0.0.1,10.0.0.4-10.0.0.5")]
    [InlineData("10.0.0.0/29", "10.0.0.0/31", "10.0.0.2-10.0.0.6")]
    [InlineData("10.0.0.0/29,10.0.1.0/29", "10.0.0.0/24 2001:db8::/32", "10.0.1.1-10.0.1.6")]
    [InlineData("2001:db8::/64", "2001:db8::/65", "2001:db8:0:0:8000::-2001:db8::ffff:ffff:ffff:ffff")]
    public void Excluded_addresses_are_cut_out(string set, string excluded, string expected)
    {
        RangeSet rest = TestStore.Plan(set).Sets[0].Without(excluded.Split(' ').Select(Span));
        Assert.Equal(expected, rest.ToString());
    }

    [Fact]
    public void Excluded_addresses_are_neither_given_nor_to_be_had()
    {
        using TestStore store = new();
        AddressPlan plan = new(TestStore.Plan("10.0.0.0/29").Sets[0].Without([Span("10.0.0.2/31")]));
        Assert.Equal("10.0.0.4", store.Next(plan, "a"));
        Assert.Throws<AddressUnavailableException>(() => store.Next(plan, "b", "10.0.0.3"));
        Assert.Equal("10.0.0.5", store.Next(plan, "b"));
        Assert.Equal("10.0.0.6", store.Next(plan, "c"));
        Assert.Equal((UInt128)3, Assert.Throws<PoolExhaustedException>(() => store.Next(plan, "d")).Use.Total);
        Assert.Throws<IpamConfigException>(() => plan.Sets[0].Without([Span("10.0.0.0/8")]));
    }

    [Theory]
    [InlineData("10.0.0.5", "10.0.0.5")]
    [InlineData("10.0.0.5/29", "10.0.0.0-10.0.0.7")]
    [InlineData("10.0.0.5-10.0.1.2", "10.0.0.5-10.0.1.2")]
    [InlineData("2001:DB8::5-2001:db8::9", "2001:db8::5-2001:db8::9")]
    [InlineData("10.0.0.5-10.0.0.4", null)]
    [InlineData("10.0.0.5-2001:db8::9", null)]
    [InlineData("10.0.0.5-", null)]
    [InlineData("-", null)]
    [InlineData("10.0.0.0/33", null)]
    [InlineData("", null)]
    public void Spans_are_addresses_prefixes_and_ranges(string text, string? expected) =>
        Assert.Equal(expected, AddressSpan.TryParse(text, out AddressSpan span) ? span.ToString() : null);

    [Fact]
    public void Reserved_addresses_are_had_by_request_only()
    {
        using TestStore store = new();
        AddressPlan plan = TestStore.Plan("10.0.0.0/29").Restrict([Span("10.0.0.6")], [Span("10.0.0.2-10.0.0.4")]);
        Assert.Equal("10.0.0.5", store.Next(plan, "a"));
        Assert.Equal((UInt128)1, Assert.Throws<PoolExhaustedException>(() => store.Next(plan, "b")).Use.Total);
        Assert.Equal("10.0.0.3", store.Next(plan, "b", "10.0.0.3"));
        Assert.Throws<AddressUnavailableException>(() => store.Next(plan, "c", "10.0.0.6"));
        store.Release("a");
        Assert.Equal("10.0.0.5", store.Next(plan, "c"));   // the last one was a reserved one: the turn begins anew
        AddressPlan all = TestStore.Plan("10.0.0.0/29").Restrict([], [Span("10.0.0.0/24")]);
        Assert.Throws<PoolExhaustedException>(() => store.Next(all, "d"));
    }

    [Fact]
    public void A_name_has_the_same_address_again()
    {
        using TestStore store = new(TimeSpan.FromSeconds(30));
        AddressPlan plan = TestStore.Plan("10.0.0.0/24,10.0.1.0/24 2001:db8::/64");
        string[] names = [.. Enumerable.Range(0, 40).Select(static i => $"default/web-{i}")];
        string[] first = [.. names.Select(name => Sticky(store, plan, name))];
        Assert.Equal(40, first.Distinct().Count());
        foreach (string name in Enumerable.Reverse(names))
        {
            store.Release(name.Replace('/', '-'));
        }

        Assert.Equal(first, names.Select(name => Sticky(store, plan, name)));

        // Taken by another: the next one. The address that somebody else has is never given.
        store.Release("default-web-7");
        string[] taken = first[7].Split(' ');
        store.Allocate(plan, "other", taken[0]);
        Assert.NotEqual(taken[0], Sticky(store, plan, "default/web-7").Split(' ')[0]);
    }

    [Fact]
    public void Names_fill_a_pool_to_the_last_address()
    {
        using TestStore store = new();
        AddressPlan plan = TestStore.Plan("10.0.0.0/28,10.0.1.0/31").Restrict([Span("10.0.0.5")], []);
        string[] given = [.. Enumerable.Range(0, 13).Select(i => Sticky(store, plan, $"n{i}"))];
        Assert.Equal(13, given.Distinct().Count());
        Assert.Throws<PoolExhaustedException>(() => Sticky(store, plan, "one too many"));
    }

    private static string Sticky(TestStore store, AddressPlan plan, string name)
    {
        using LeaseStore open = store.Open();
        LeaseOwner owner = new(name.Replace('/', '-'), "eth0");
        return string.Join(' ', new AddressAllocator(plan, open).Allocate(owner, [], name).Select(static lease => lease.Address.ToString()));
    }

    private static AddressSpan Span(string text) => AddressSpan.TryParse(text, out AddressSpan span) ? span : throw new ArgumentException(text);
}
