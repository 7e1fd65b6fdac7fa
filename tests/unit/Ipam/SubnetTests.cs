using System.Net.Sockets;
using CniPlugins.Ipam;
using CsCheck;

namespace CniPlugins.UnitTests.Ipam;

public sealed class SubnetTests
{
    [Theory]
    [InlineData("", "172.17.0.0/16")]
    [InlineData("172.17.0.0/16", "172.18.0.0/16")]
    [InlineData("172.17.0.1/32", "172.18.0.0/16")]
    [InlineData("172.16.0.0/12", "192.168.0.0/20")]
    [InlineData("172.17.0.0/16 172.18.0.0/15 172.20.3.4/24", "172.21.0.0/16")]
    [InlineData("172.19.0.0/16 172.17.0.0/16", "172.18.0.0/16")]
    [InlineData("0.0.0.0/0 0.0.0.0/1 128.0.0.0/1 ::/0 2000::/3", "172.17.0.0/16")]
    [InlineData("172.16.0.0/12 192.168.0.0/24", "192.168.16.0/20")]
    [InlineData("172.16.0.0/12 192.168.0.0/17 192.168.128.7/32", "192.168.144.0/20")]
    [InlineData("128.0.0.0/2 192.168.0.0/19", "192.168.32.0/20")]
    [InlineData("172.16.0.0/12 192.168.0.0/16", null)]
    [InlineData("160.0.0.0/3 192.0.0.0/8", null)]
    public void The_first_subnet_is_chosen_that_overlaps_nothing(string occupied, string? expected)
    {
        IpPrefix[] prefixes = [.. occupied.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Prefix)];
        if (expected is null)
        {
            SubnetsExhaustedException exception =
                Assert.Throws<SubnetsExhaustedException>(() => SubnetChooser.Choose(SubnetPools.IPv4, prefixes));
            Assert.Contains("192.168.0.0/16 in /20s (all 16 taken", exception.Message, StringComparison.Ordinal);
            return;
        }

        Assert.Equal(expected, SubnetChooser.Choose(SubnetPools.IPv4, prefixes).ToString());
    }

    [Fact]
    public void The_default_pools_hold_31_networks()
    {
        List<IpPrefix> occupied = [];
        for (int i = 0; i < 31; i++)
        {
            occupied.Add(SubnetChooser.Choose(SubnetPools.IPv4, occupied));
        }

        Assert.Throws<SubnetsExhaustedException>(() => SubnetChooser.Choose(SubnetPools.IPv4, occupied));
    }

    [Fact]
    public void A_host_s_unique_local_block_is_cut_into_64s()
    {
        SubnetPool pool = SubnetPools.UniqueLocal(0xFFFF_FF12_3456_789A);
        Assert.Equal("fd12:3456:789a::/48 in /64s", pool.ToString());
        Assert.Equal("fd12:3456:789a:1::/64", SubnetChooser.Choose([pool], [Prefix("fd12:3456:789a::1/128")]).ToString());
        Assert.Equal([pool], SubnetPools.Of([.. SubnetPools.IPv4, pool], AddressFamily.InterNetworkV6));
    }

    [Fact]
    public void A_choice_overlaps_nothing_and_is_the_first() =>
        Gen.Select(Gen.UInt[0, 63], Gen.Int[24, 32]).Array[0, 40].Sample(occupied =>
        {
            SubnetPool[] pools = [new(Prefix("10.0.0.0/27"), 29), new(Prefix("10.0.0.32/28"), 28), new(Prefix("10.0.0.48/28"), 31)];
            IpPrefix[] taken = [.. occupied.Select(o => IpPrefix.Of(AddressMath.FromIPv4(0x0A00_0000 + o.Item1), Math.Max(o.Item2, 28)))];
            IpPrefix? expected = pools
                .SelectMany(p => Enumerable.Range(0, (int)p.Count).Select(i =>
                    IpPrefix.Of(p.Base.First + ((UInt128)(uint)i << (32 - p.Size)), p.Size)))
                .Cast<IpPrefix?>().FirstOrDefault(s => !taken.Any(t => t.Overlaps(s!.Value)));
            if (expected is null)
            {
                Assert.Throws<SubnetsExhaustedException>(() => SubnetChooser.Choose(pools, taken));
            }
            else
            {
                Assert.Equal(expected, SubnetChooser.Choose(pools, taken));
            }
        });

    [Theory]
    [InlineData("10.0.0.1/8", 16)]
    [InlineData("10.0.0.0/16", 15)]
    [InlineData("10.0.0.0/16", 32)]
    [InlineData("fd00::/8", 128)]
    [InlineData("fd00::/8", 80)]
    public void Pools_that_cannot_be_cut_are_refused(string block, int size) =>
        Assert.Throws<IpamConfigException>(() => new SubnetPool(Prefix(block), size));

    [Fact]
    public void A_network_keeps_its_subnets_until_it_is_deleted()
    {
        using TempDirectory temp = new();
        using (SubnetStore store = SubnetStore.Ensure(temp["a/b"]))
        {
            Assert.Null(store.FindSubnets("web"));
            Assert.Equal("172.17.0.0/16", Choose(store, "web"));
            Assert.Equal("172.18.0.0/16", Choose(store, "db"));
            Assert.Equal("172.17.0.0/16", Choose(store, "web"));
        }

        using SubnetStore again = SubnetStore.Find(temp["a/b"])!;
        Assert.Equal("172.18.0.0/16", Choose(again, "db"));
        Assert.True(again.TryDelete("web"));
        Assert.False(again.TryDelete("web"));
        Assert.Equal("172.17.0.0/16", Choose(again, "cache"));
        Assert.Equal(["cache", "db"], again.List().Select(n => n.Network).Order());
        Assert.Null(SubnetStore.Find(temp["c"]));
    }

    [Fact]
    public void The_global_id_is_drawn_once()
    {
        using TempDirectory temp = new();
        using SubnetStore store = SubnetStore.Ensure(temp.Path);
        ulong drawn = store.GetGlobalId();
        Assert.Equal(drawn, store.GetGlobalId());
        Assert.True(drawn >> 40 == 0);
        Assert.Empty(store.List());
    }

    [Fact]
    public void A_damaged_entry_is_an_error_and_no_new_choice()
    {
        using TempDirectory temp = new();
        using SubnetStore store = SubnetStore.Ensure(temp.Path);
        File.WriteAllText(temp["web"], "172.17.0.0/16\nnonsense\n");
        Assert.Contains("delete the file", Assert.Throws<IpamConfigException>(() => Choose(store, "web")).Message, StringComparison.Ordinal);
        File.WriteAllText(temp["web"], string.Empty);   // what a power cut can leave of other programs' files
        Assert.Equal("172.17.0.0/16", Choose(store, "web"));
        Assert.Throws<IpamConfigException>(() => store.FindSubnets("../web"));
    }

    [Fact]
    public void Leased_addresses_of_all_networks_are_listed()
    {
        using TempDirectory temp = new();
        Assert.Empty(LeaseStore.ListAddresses(temp["missing"]));
        foreach (string path in new[] { "a/10.0.0.2", "a/last_reserved_ip.0", "b/fd00::2", ".index/10.9.9.9" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(temp[path])!);
            File.WriteAllText(temp[path], "x");
        }

        Assert.Equal(["10.0.0.2/32", "fd00::2/128"], LeaseStore.ListAddresses(temp.Path).Select(p => p.ToString()).Order(StringComparer.Ordinal));
    }

    private static IpPrefix Prefix(string text)
    {
        Assert.True(IpPrefix.TryParse(text, out IpPrefix prefix), text);
        return prefix;
    }

    private static string Choose(SubnetStore store, string network) =>
        store.EnsureSubnets(network, others => [SubnetChooser.Choose(SubnetPools.IPv4, others)]).Single().ToString();
}
