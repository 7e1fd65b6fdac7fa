using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Netlink;
using CniPlugins.UnitTests.Ipam;

namespace CniPlugins.UnitTests.Attachments;

/// <summary>When a network's subnets are kept, and when they are forgotten. What is free is asked of the namespace that the test runs in.</summary>
public sealed class NetworkSubnetsTests : IDisposable
{
    private readonly TempDirectory _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void They_are_kept_until_they_are_removed()
    {
        NetworkSubnets subnets = Subnets();
        Assert.Null(subnets.Find("web"));
        Assert.False(subnets.TryDelete("web", _root["leases"]));
        subnets.RequireFree("web", _root["leases"]);
        Assert.False(Directory.Exists(_root["subnets"]));

        IReadOnlyList<IpPrefix> web = subnets.Ensure("web", _root["leases"]);
        IReadOnlyList<IpPrefix> db = subnets.Ensure("db", _root["leases"]);
        Assert.Equal([16, 64], web.Select(static subnet => subnet.Length));
        Assert.False(web[0].Overlaps(db[0]) || web[1].Overlaps(db[1]));
        Assert.Equal(web, Subnets().Ensure("web", _root["leases"]));
        Assert.Equal(web, Subnets().Find("web"));

        Assert.True(subnets.TryDelete("web", _root["leases"]));
        Assert.Null(subnets.Find("web"));
        Assert.Equal(web, subnets.Ensure("cache", _root["leases"]));
    }

    [Fact]
    public void A_network_with_leases_is_not_removed()
    {
        NetworkSubnets subnets = Subnets();
        IReadOnlyList<IpPrefix> web = subnets.Ensure("web", _root["leases"]);
        LeaseOwner owner = new("c1", "eth0");
        using (LeaseStore store = LeaseStore.Ensure(_root["leases"], "web"))
        {
            new AddressAllocator(new AddressPlan(new RangeSet(new AddressRange(web[0]))), store).Allocate(owner);
        }

        CniException e = Assert.Throws<CniException>(() => subnets.TryDelete("web", _root["leases"]));
        Assert.Equal(CniErrorCode.TryAgainLater, e.Code);
        Assert.Contains("c1", e.Message, StringComparison.Ordinal);
        Assert.Equal(web, subnets.Find("web"));

        using (LeaseStore store = LeaseStore.Ensure(_root["leases"], "web"))
        {
            store.Release(owner);
        }

        Assert.True(subnets.TryDelete("web", _root["leases"]));
    }

    private NetworkSubnets Subnets() =>
        new(new HostSettings { SubnetDirectory = _root["subnets"], DataDirectory = _root["leases"] }, NetlinkSocket.Kernel);
}
