using System.Net;
using CniPlugins.Ipam;
using CniPlugins.Linux;

namespace CniPlugins.UnitTests.Ipam;

public sealed class LeaseStoreTests
{
    private static readonly AddressPlan s_plan = TestStore.Plan("10.1.2.0/24");

    [Fact]
    public void HL_02_two_interfaces_of_a_container_are_released_apart()
    {
        using TestStore store = new();
        using LeaseStore open = store.Open();
        AddressAllocator allocator = new(s_plan, open);
        allocator.Allocate(TestStore.Owner("dummy"));
        allocator.Allocate(TestStore.Owner("dummy", "eth1"));
        Assert.Equal(1, allocator.Release(TestStore.Owner("dummy")));
        Assert.Equal(["10.1.2.3"], store.Leases());
        Assert.Equal("dummy\r\neth1", store.Read("10.1.2.3"));
        Assert.Equal(1, allocator.Release(TestStore.Owner("dummy", "eth1")));
        Assert.Empty(store.Leases());
    }

    [Fact]
    public void HL_04_the_oldest_form_is_released()
    {
        using TestStore store = new();
        store.Plant("10.1.2.5", "dummy");
        Assert.Equal(1, store.Release("dummy"));
        Assert.Empty(store.Leases());
    }

    [Fact]
    public void HL_04_the_oldest_form_is_left_while_there_is_a_newer_one()
    {
        using TestStore store = new();
        store.Plant("10.1.2.5", "dummy");
        store.Plant("10.1.2.6", "dummy\r\neth0");
        Assert.Equal(1, store.Release("dummy"));
        Assert.Equal(["10.1.2.5"], store.Leases());
        Assert.Equal(1, store.Release("dummy"));
        Assert.Empty(store.Leases());
    }

    [Fact]
    public void HL_05_an_unknown_owner_has_nothing_to_release()
    {
        using TestStore store = new();
        store.Allocate(s_plan, "dummy");
        Assert.Equal(0, store.Release("unknown"));
        Assert.Equal(0, store.Release("dummy", "eth9"));
        Assert.Equal(["10.1.2.2"], store.Leases());
    }

    [Fact]
    public void HL_05_DEL_without_a_store_makes_none()
    {
        using TempDirectory temp = new();
        Assert.Null(LeaseStore.Find(temp["a/b"], "net"));
        Assert.Null(LeaseStore.Find(temp.Path, "net"));
        Assert.Empty(Directory.GetFileSystemEntries(temp.Path));
    }

    [Theory]
    [InlineData("   dummy\r\neth0\n\n")]
    [InlineData("\tdummy\r\neth0\r\n")]
    [InlineData("dummy\n")]
    public void HL_06_white_space_round_the_content_does_not_matter(string content)
    {
        using TestStore store = new();
        store.Plant("10.1.2.7", content);
        using LeaseStore open = store.Open();
        Assert.True(open.Holds(TestStore.Owner("dummy")));
        Assert.True(open.Holds(TestStore.Owner("dummy"), IPAddress.Parse("10.1.2.7")));
        Assert.Equal(1, store.Release("dummy"));
        Assert.Empty(store.Leases());
    }

    [Fact]
    public void HL_06_white_space_round_the_container_id_does_not_matter()
    {
        using TestStore store = new();
        store.Allocate(s_plan, "dummy ");
        Assert.Equal("dummy\r\neth0", store.Read("10.1.2.2"));
        Assert.Equal(1, store.Release(" dummy"));
    }

    [Fact]
    public void Holds_tells_gone_and_foreign_leases()
    {
        using TestStore store = new();
        store.Allocate(s_plan, "a");
        store.Allocate(s_plan, "b");
        using LeaseStore open = store.Open();
        Assert.True(open.Holds(TestStore.Owner("a"), IPAddress.Parse("10.1.2.2")));
        Assert.False(open.Holds(TestStore.Owner("a"), IPAddress.Parse("10.1.2.3")));
        Assert.False(open.Holds(TestStore.Owner("a"), IPAddress.Parse("10.1.2.4")));
        Assert.False(open.Holds(TestStore.Owner("a"), IPAddress.Parse("10.1.2.2"), IPAddress.Parse("10.1.2.4")));
        Assert.False(open.Holds(TestStore.Owner("c")));
        Assert.False(open.Holds(TestStore.Owner("a", "eth1")));
    }

    [Fact]
    public void Collect_frees_exactly_what_is_not_valid()
    {
        using TestStore store = new();
        store.Allocate(s_plan, "a");
        store.Allocate(s_plan, "b");
        store.Allocate(s_plan, "c");
        store.Plant("10.1.2.100", "old");
        store.Plant("10.1.2.101", "stale");
        store.Plant("10.1.2.102", "a\nb\nc");
        using LeaseStore open = store.Open();
        int collected = open.Collect(owner =>
            owner == TestStore.Owner("b") || (owner.InterfaceName.Length == 0 && owner.ContainerId == "old"));
        Assert.Equal(3, collected);
        Assert.Equal(["10.1.2.100", "10.1.2.102", "10.1.2.3"], store.Leases());
        Assert.Equal(0, open.Collect(_ => true));
        Assert.Equal(2, open.List().Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData(".index")]
    [InlineData("a/b")]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    [InlineData("-a")]
    [InlineData("é")]
    public void Names_that_are_no_network_s_are_refused(string name)
    {
        using TempDirectory temp = new();
        Assert.Throws<IpamConfigException>(() => LeaseStore.Ensure(temp.Path, name));
        Assert.Throws<IpamConfigException>(() => LeaseStore.Find(temp.Path, name));
        Assert.Empty(Directory.GetFileSystemEntries(temp.Path));
    }

    [Fact]
    public void An_endless_container_id_is_refused()
    {
        using TestStore store = new();
        Assert.Throws<IpamConfigException>(() => store.Allocate(s_plan, new string('x', 5000)));
        Assert.Throws<IpamConfigException>(() => store.Release(new string('x', 5000)));
    }

    [Fact]
    public void Hostile_content_neither_blocks_nor_is_followed_nor_harmed()
    {
        using TestStore store = new();
        using TempDirectory outside = new();
        File.WriteAllText(outside["victim"], "dummy\r\neth0");
        Directory.CreateDirectory(store.Directory);
        File.CreateSymbolicLink(Path.Combine(store.Directory, "10.1.2.2"), outside["victim"]);
        File.CreateSymbolicLink(Path.Combine(store.Directory, "10.1.2.3"), outside["made"]);
        Directory.CreateDirectory(Path.Combine(store.Directory, "10.1.2.4"));
        Tools.Run("mkfifo", Path.Combine(store.Directory, "10.1.2.5"));
        File.WriteAllBytes(Path.Combine(store.Directory, "10.1.2.6"), [0xFF, 0xFE, 0x80]);
        using (FileStream huge = File.Create(Path.Combine(store.Directory, "10.1.2.7")))
        {
            huge.SetLength(1L << 40);
        }

        File.WriteAllText(Path.Combine(store.Directory, "010.1.2.8"), "dummy\r\neth0");
        Directory.CreateDirectory(Path.Combine(store.Directory, "last_reserved_ip.0"));
        Tools.Run("python3", "-c", "import os,sys; open(os.fsencode(sys.argv[1]) + b'/\\xff' * 1 + b'\\xfe' * 200, 'w').close()", store.Directory);

        Assert.Equal("10.1.2.8", store.Next(s_plan, "dummy"));
        Assert.Throws<AddressUnavailableException>(() => store.Next(s_plan, "other", "10.1.2.5"));
        using LeaseStore open = store.Open();
        Assert.False(open.Holds(TestStore.Owner("dummy"), IPAddress.Parse("10.1.2.2")));
        Assert.Equal(1, open.Collect(_ => false));
        Assert.Equal(0, store.Release("dummy"));
        Assert.Equal("dummy\r\neth0", File.ReadAllText(outside["victim"]));
        Assert.False(File.Exists(outside["made"]));
        Assert.True(File.Exists(Path.Combine(store.Directory, "10.1.2.6")));
    }

    [Fact]
    public void A_network_directory_that_is_a_link_is_refused()
    {
        using TestStore store = new();
        using TempDirectory outside = new();
        File.CreateSymbolicLink(store.Directory, outside.Path);
        Assert.Throws<LinuxException>(() => store.Allocate(s_plan, "dummy"));
        Assert.Empty(Directory.GetFileSystemEntries(outside.Path));
    }

    [Fact]
    public void HL_17_the_lock_is_the_one_the_reference_takes()
    {
        using TestStore store = new();
        using LeaseStore open = store.Open();
        Assert.Equal(0, Tools.Run("flock", "-n", Path.Combine(store.Directory, "lock"), "true"));
        using (LeaseSession session = open.Begin())
        {
            Assert.Equal(1, Tools.Run("flock", "-n", Path.Combine(store.Directory, "lock"), "true"));
        }

        Assert.Equal(0, Tools.Run("flock", "-n", Path.Combine(store.Directory, "lock"), "true"));
    }

    [Fact]
    public void HL_17_a_file_can_be_locked_by_itself()
    {
        using TempDirectory temp = new();
        using (FileLock.Exclusive(temp["one"]))
        {
            Assert.Equal(1, Tools.Run("flock", "-n", temp["one"], "true"));
        }

        Assert.Equal(0, Tools.Run("flock", "-n", temp["one"], "true"));
    }
}
