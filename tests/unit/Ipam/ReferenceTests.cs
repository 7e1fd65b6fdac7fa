using CniPlugins.Ipam;
using CsCheck;

namespace CniPlugins.UnitTests.Ipam;

/// <summary>Our store beside the reference plugin's: the same calls leave the same files, and both may work in one directory.</summary>
public sealed class ReferenceTests
{
    public static TheoryData<string> Plans { get; } =
    [
        "10.0.0.0/29",
        "10.0.0.0/29 2001:db8::/125",
        "10.0.0.0/30,10.0.1.0/29,10.0.2.0/30",
        "10.0.0.0/28;10.0.0.3;10.0.0.6;10.0.0.5",
        "10.0.0.0/28;10.0.0.3;10.0.0.6,10.0.0.0/28;10.0.0.9;10.0.0.10;10.0.0.9 fd00:0:0:1::/64;fd00:0:0:1:0:0:0:fffe;fd00:0:0:1::1:2",
        "fd00::5efe:a00:0/124 10.0.0.0/30;10.0.0.0;10.0.0.3;10.0.0.3",
    ];

    [Theory]
    [MemberData(nameof(Plans))]
    public void Same_calls_give_the_same_addresses_and_files(string sets)
    {
        using TestStore ours = new();
        using TempDirectory theirs = new();
        ReferenceHostLocal reference = new(theirs.Path, sets);
        AddressPlan plan = TestStore.Plan(sets);
        Random random = new(20);
        for (int step = 0; step < 40; step++)
        {
            string container = $"c{random.Next(8)}";
            if (random.Next(3) > 0)
            {
                Assert.Equal(reference.Add(container), Add(ours, plan, container));
            }
            else
            {
                reference.Delete(container);
                ours.Release(container);
            }

            Directory.CreateDirectory(ours.Directory);
            Assert.Equal(Content(Path.Combine(theirs.Path, "net")), Content(ours.Directory));
        }
    }

    [Fact]
    public void Requested_addresses_leave_the_same_files()
    {
        const string Sets = "10.0.0.0/24 fd00::5efe:a00:0/112";
        using TestStore ours = new();
        using TempDirectory theirs = new();
        ReferenceHostLocal reference = new(theirs.Path, Sets);
        foreach (string requested in new[]
            {
                "10.0.0.77 fd00::5efe:a00:9", "10.0.0.77", "10.0.0.1", "FD00:0::5EFE:A00:AbC", "10.0.0.254", "10.0.0.33", string.Empty, string.Empty,
            })
        {
            Assert.True(Try(requested), requested);
        }

        // The reference leases first and gives back when a request is left over, which moves its last_reserved_ip on. Ours refuses first.
        foreach (string requested in new[] { "10.0.0.0", "10.0.0.255", "10.0.1.1", "10.0.0.90 10.0.0.91", "::ffff:10.0.0.77" })
        {
            Try(requested);
            Assert.Equal(Directory.GetFiles(Path.Combine(theirs.Path, "net")).Length, Directory.GetFiles(ours.Directory).Length);
        }

        bool Try(string text)
        {
            string[] requested = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string container = $"c{Guid.NewGuid():N}";
            Assert.Equal(reference.Add(container, requested), Add(ours, TestStore.Plan(Sets), container, requested));
            return Content(Path.Combine(theirs.Path, "net")) == Content(ours.Directory);
        }
    }

    [Fact]
    public void Both_in_one_directory_never_give_an_address_twice_and_lose_none() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 6]).Array[25].Sample(
            steps =>
            {
                const string Sets = "10.0.0.0/29 2001:db8::/125";
                using TestStore store = new();
                ReferenceHostLocal reference = new(store.Root, Sets);
                AddressPlan plan = TestStore.Plan(Sets);
                Dictionary<string, string> model = [];
                foreach ((int action, int number) in steps)
                {
                    string container = $"c{number}";
                    switch (action)
                    {
                        case 0 or 1:
                            string? added = action == 0 ? Add(store, plan, container) : reference.Add(container);
                            bool isPossible = !model.ContainsKey(container) && model.Count < 5;
                            Assert.Equal(isPossible, added is not null);
                            Assert.DoesNotContain(added, model.Values);
                            if (added is not null)
                            {
                                model[container] = added;
                            }

                            break;
                        case 2:
                            Assert.Equal(model.Remove(container) ? 2 : 0, store.Release(container));
                            break;
                        default:
                            reference.Delete(container);
                            model.Remove(container);
                            break;
                    }

                    Assert.Equal(model.ContainsKey(container), reference.Check(container));
                    using LeaseStore open = store.Open();
                    Assert.Equal(model.ContainsKey(container), open.Holds(TestStore.Owner(container)));
                    Assert.Equal(model.Count * 2, store.Leases().Length);
                }
            },
            iter: 8,
            threads: 1);

    private static string? Add(TestStore store, AddressPlan plan, string container, params string[] requested)
    {
        try
        {
            return string.Join(' ', store.Allocate(plan, container, requested)
                .Select(l => $"{AddressText.Format(l.Address)}/{l.PrefixLength} via {AddressText.Format(l.Gateway)}"));
        }
        catch (IpamException)
        {
            return null;
        }
    }

    // The lock file is empty, and .NET would lock it to read it.
    private static string Content(string directory) => string.Join(
        '\n', Directory.GetFiles(directory).Order(StringComparer.Ordinal).Select(path => $"{Path.GetFileName(path)}: {(path.EndsWith("/lock", StringComparison.Ordinal) ? new FileInfo(path).Length.ToString() : File.ReadAllText(path))}"));
}
