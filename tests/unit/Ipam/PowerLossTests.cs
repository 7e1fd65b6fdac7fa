using CniPlugins.Ipam;
using CsCheck;

namespace CniPlugins.UnitTests.Ipam;

/// <summary>
/// A power cut keeps of each file what happened to be written back: of the index any mixture of its sectors, of a lease file its whole
/// content or none. The next boot finds a valid store all the same.
/// </summary>
public sealed class PowerLossTests
{
    private const int Sector = 512;

    [Fact]
    public void Any_mixture_of_old_and_new_sectors_is_a_valid_store() =>
        Gen.Select(Gen.Int[1, 30], Gen.Int[0, 30], Gen.Bool.Array[200], Gen.Bool.Array[60], Gen.Int[0, 3]).Sample(
            (before, after, isNew, isEmpty, cut) =>
            {
                using TestStore store = new();
                AddressPlan plan = TestStore.Plan("10.0.0.0/26");
                store.Plant("10.0.0.60", "foreign\r\neth0");
                for (int i = 0; i < before; i++)
                {
                    store.Next(plan, $"a{i}");
                }

                byte[] old = File.ReadAllBytes(store.IndexFile);
                for (int i = 0; i < after; i++)
                {
                    store.Next(plan, $"b{i}");
                    store.Release($"a{i}");
                }

                byte[] index = File.ReadAllBytes(store.IndexFile);
                for (int sector = 0; sector * Sector < index.Length; sector++)
                {
                    if (!isNew[sector])
                    {
                        Span<byte> target = index.AsSpan(sector * Sector, Sector);
                        target.Clear();
                        old.AsSpan(Math.Min(old.Length, sector * Sector), Math.Clamp(old.Length - (sector * Sector), 0, Sector)).CopyTo(target);
                    }
                }

                File.WriteAllBytes(store.IndexFile, index[..^(cut * Sector)]);
                foreach ((string name, bool empty) in store.Leases().Zip(isEmpty))
                {
                    if (empty && name != "10.0.0.60")
                    {
                        File.WriteAllBytes(Path.Combine(store.Directory, name), []);
                    }
                }

                string[] all = store.Leases();
                store.Boot = "boot-2";
                Assert.Equal(0, store.Release("nobody"));

                // What is left had an owner before; what is free can be had.
                string[] left = store.Leases();
                Assert.Contains("10.0.0.60", left);
                Assert.Empty(left.Except(all));
                Assert.All(left, name => Assert.NotEmpty(store.Read(name)));
                for (int i = left.Length; i < 61; i++)
                {
                    Assert.DoesNotContain(store.Next(plan, $"c{i}"), left);
                }

                Assert.Throws<PoolExhaustedException>(() => store.Next(plan, "one too many"));
            },
            iter: 40);
}
