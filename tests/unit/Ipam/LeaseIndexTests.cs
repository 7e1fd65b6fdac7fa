using CniPlugins.Ipam;

namespace CniPlugins.UnitTests.Ipam;

/// <summary>The index is a cache: it may be missing, old, foreign or damaged, and every answer stays right.</summary>
public sealed class LeaseIndexTests
{
    private static readonly AddressPlan s_plan = TestStore.Plan("10.0.0.0/28");

    [Fact]
    public void Our_own_calls_never_read_all_files_again()
    {
        using TestStore store = new();
        for (int i = 0; i < 5; i++)
        {
            store.Next(s_plan, $"c{i}");
            store.Release($"c{i}");
        }

        using LeaseStore open = store.Open();
        using LeaseSession session = open.Begin();
        Assert.False(session.Index.IsFresh);
    }

    [Theory]
    [InlineData("add")]
    [InlineData("remove")]
    [InlineData("replace")]
    public void A_foreign_change_is_seen(string change)
    {
        using TestStore store = new();
        Assert.Equal("10.0.0.2", store.Next(s_plan, "a"));
        switch (change)
        {
            case "add":
                store.Plant("10.0.0.3", "b\r\neth0");
                break;
            case "remove":
                File.Delete(Path.Combine(store.Directory, "10.0.0.2"));
                break;
            default:
                File.Delete(Path.Combine(store.Directory, "10.0.0.2"));
                store.Plant("10.0.0.2", "b\r\neth0");
                break;
        }

        using LeaseStore open = store.Open();
        using (LeaseSession session = open.Begin())
        {
            Assert.True(session.Index.IsFresh);
        }

        Assert.Equal(change == "add", open.Holds(TestStore.Owner("a")));
        Assert.Equal(change != "remove", open.Holds(TestStore.Owner("b")));
        Assert.Equal(change == "add" ? "10.0.0.4" : "10.0.0.3", store.Next(s_plan, "c"));
    }

    public static TheoryData<string, Action<string>> Damages { get; } = new()
    {
        { "gone", File.Delete },
        { "empty", path => File.WriteAllBytes(path, []) },
        { "short", path => Resize(path, 5000) },
        { "long", path => Resize(path, 1 << 20) },
        { "zeros", path => File.WriteAllBytes(path, new byte[8192]) },
        { "no empty slot", path => Overwrite(path, 4096, 4096, 1) },
        { "slots zeroed", path => Overwrite(path, 4096, 4096, 0) },
        { "counts", path => Overwrite(path, 16, 16, 0xFF) },
        { "slots huge", path => Overwrite(path, 8, 7, 0x7F) },
    };

    [Theory]
    [MemberData(nameof(Damages), DisableDiscoveryEnumeration = true)]
    public void A_damaged_index_is_made_anew(string name, Action<string> damage)
    {
        using TestStore store = new();
        store.Next(s_plan, "a");
        store.Next(s_plan, "b");
        damage(store.IndexFile);
        Assert.Equal("10.0.0.4", store.Next(s_plan, "c"));
        if (name != "slots zeroed")
        {
            Assert.Throws<LeaseExistsException>(() => store.Next(s_plan, "a"));
            Assert.Equal(1, store.Release("a"));
        }
    }

    [Fact]
    public void An_index_that_is_a_link_or_directory_is_left_alone()
    {
        using TestStore store = new();
        using TempDirectory outside = new();
        File.WriteAllText(outside["victim"], "precious");
        Directory.CreateDirectory(Path.GetDirectoryName(store.IndexFile)!);
        File.CreateSymbolicLink(store.IndexFile, outside["victim"]);
        store.Next(s_plan, "a");
        Assert.Equal("precious", File.ReadAllText(outside["victim"]));

        File.Delete(store.IndexFile);
        Directory.CreateDirectory(store.IndexFile);
        Assert.Equal("10.0.0.3", store.Next(s_plan, "b"));
        Assert.Equal(1, store.Release("a"));

        Directory.Delete(Path.GetDirectoryName(store.IndexFile)!, recursive: true);
        File.WriteAllText(Path.GetDirectoryName(store.IndexFile)!, "in the way");
        Assert.Equal("10.0.0.4", store.Next(s_plan, "c"));
        Assert.Equal(1, store.Release("b"));
    }

    [Fact]
    public void A_removed_and_made_network_does_not_inherit_the_old_index()
    {
        using TestStore store = new();
        store.Next(s_plan, "a");
        DateTime time = Directory.GetLastWriteTimeUtc(store.Directory);
        Directory.Delete(store.Directory, recursive: true);
        Directory.CreateDirectory(store.Directory);
        Directory.SetLastWriteTimeUtc(store.Directory, time.AddTicks(1));
        Assert.Equal("10.0.0.2", store.Next(s_plan, "a"));
    }

    [Fact]
    public void A_reboot_frees_our_leases_and_leaves_those_of_others()
    {
        using TestStore store = new();
        store.Next(s_plan, "ours");
        store.Plant("10.0.0.9", "theirs\r\neth0");
        store.Next(s_plan, "ours2");
        Assert.Equal(["10.0.0.2", "10.0.0.3", "10.0.0.9"], store.Leases());

        store.Boot = "boot-2";
        Assert.Equal(0, store.Release("ours"));
        Assert.Equal(["10.0.0.9"], store.Leases());
        Assert.Equal("10.0.0.4", store.Next(s_plan, "new"));

        store.Boot = "boot-3";
        Assert.Equal("10.0.0.5", store.Next(s_plan, "newer"));
        Assert.Equal(["10.0.0.5", "10.0.0.9"], store.Leases());
    }

    [Fact]
    public void A_lease_made_anew_by_somebody_else_is_not_ours_after_a_reboot()
    {
        using TestStore store = new();
        store.Next(s_plan, "a");
        File.Delete(Path.Combine(store.Directory, "10.0.0.2"));
        store.Plant("10.0.0.2", "a\r\neth0");
        store.Boot = "boot-2";
        store.Next(s_plan, "b");
        Assert.Equal(["10.0.0.2", "10.0.0.3"], store.Leases());
    }

    [Fact]
    public void Another_host_on_the_same_store_frees_nothing()
    {
        using TestStore store = new();
        store.Next(s_plan, "a");
        (store.Boot, store.Host) = ("boot-9", "host-2");
        store.Next(s_plan, "b");
        (store.Boot, store.Host) = ("boot-1", "host-1");
        store.Next(s_plan, "c");
        Assert.Equal(3, store.Leases().Length);
    }

    [Fact]
    public void Empty_files_of_a_writer_that_died_are_recovered()
    {
        using TestStore store = new();
        store.Next(s_plan, "a");
        store.Plant("10.0.0.3", string.Empty);
        store.Plant("10.0.0.4", "\0\0\0\0\0");
        store.Plant("10.0.0.5", "\r\n");
        Assert.Equal("10.0.0.3", store.Next(s_plan, "b"));
        Assert.Equal("10.0.0.5", store.Next(s_plan, "c", "10.0.0.5"));
        Assert.Equal("10.0.0.6", store.Next(s_plan, "d"));
    }

    [Fact]
    public void A_thousand_files_of_one_owner_are_no_trap()
    {
        using TestStore store = new();
        for (int i = 0; i < 1000; i++)
        {
            store.Plant($"10.0.{1 + (i / 250)}.{i % 250}", "same\r\neth0");
        }

        store.Next(s_plan, "a");
        Assert.Equal(1000, store.Release("same"));
        Assert.Equal(1, store.Release("a"));
        Assert.Empty(store.Leases());
    }

    [Fact]
    public void An_exhausted_pool_is_read_again_before_it_is_called_so()
    {
        using TestStore store = new();
        AddressPlan plan = TestStore.Plan("10.0.0.0/30");
        store.Next(plan, "a");

        // Removed in the instant before the stamp: the index has not seen it.
        DateTime stamp = Directory.GetLastWriteTimeUtc(store.Directory);
        File.Delete(Path.Combine(store.Directory, "10.0.0.2"));
        Directory.SetLastWriteTimeUtc(store.Directory, stamp);
        using (LeaseStore open = store.Open())
        using (LeaseSession session = open.Begin())
        {
            Assert.False(session.Index.IsFresh);
        }

        Assert.Throws<PoolExhaustedException>(() => store.Next(plan, "b"));   // it was read a moment ago
        store.Wait(TimeSpan.FromSeconds(11));
        Assert.Equal("10.0.0.2", store.Next(plan, "b"));
    }

    [Fact]
    public void An_index_that_calls_a_taken_address_free_is_corrected()
    {
        using TestStore store = new();
        store.Next(s_plan, "a");
        DateTime stamp = Directory.GetLastWriteTimeUtc(store.Directory);
        store.Plant("10.0.0.3", "b\r\neth0");
        Directory.SetLastWriteTimeUtc(store.Directory, stamp);
        Assert.Equal("10.0.0.4", store.Next(s_plan, "c"));
        Assert.Equal(1, store.Release("b"));
    }

    [Fact]
    public void The_index_follows_growth()
    {
        using TestStore store = new();
        AddressPlan plan = TestStore.Plan("10.0.0.0/22 2001:db8::/64");
        using LeaseStore open = store.Open();
        AddressAllocator allocator = new(plan, open);
        for (int i = 0; i < 600; i++)
        {
            allocator.Allocate(TestStore.Owner($"c{i}"));
            using LeaseSession session = open.Begin();
            Assert.False(session.Index.IsFresh);
        }

        for (int i = 0; i < 600; i++)
        {
            Assert.Equal(2, allocator.Release(TestStore.Owner($"c{i}")));
        }

        Assert.Equal((UInt128)1021, allocator.GetUse()[0].Free);
    }

    private static void Resize(string path, long size)
    {
        using FileStream file = File.OpenWrite(path);
        file.SetLength(size);
    }

    private static void Overwrite(string path, long offset, int length, byte value)
    {
        using FileStream file = File.OpenWrite(path);
        file.Position = offset;
        file.Write(Enumerable.Repeat(value, length).ToArray());
    }
}
