using System.Net;
using CniPlugins.Ipam;
using CsCheck;

namespace CniPlugins.UnitTests.Ipam;

/// <summary>
/// Random steps against a plain dictionary: whatever happens between two calls, no address is given twice and none is lost. A step is a
/// call of ours, a change by somebody else as the reference makes it, a death in the middle of a call, a reboot, or damage to the index.
/// </summary>
public sealed class ModelTests
{
    private const string Sets = "10.0.0.0/28,10.0.1.0/29 2001:db8::/124;2001:db8::1;2001:db8::c";
    private const int Owners = 24;
    private const int Capacity = 11;   // of the smaller set: 12 addresses without the gateway

    private enum Step
    {
        Add,
        AddMore,
        AddRequested,
        Delete,
        DeleteMore,
        Collect,
        ForeignAdd,
        ForeignDelete,
        ForeignDeath,
        Death,
        DeathBeforeIndex,
        IndexLost,
        IndexDamaged,
        Reboot,
        Wait,
    }

    [Fact]
    public void No_address_is_given_twice_and_none_is_lost() =>
        Gen.Select(Gen.Enum<Step>(), Gen.Int[0, Owners - 1], Gen.Bool).Array[1, 70].Sample(
            steps =>
            {
                using World world = new();
                foreach ((Step step, int number, bool observe) in steps)
                {
                    world.Do(step, $"c{number}", number);
                    if (observe)
                    {
                        world.Check($"c{number}");
                    }
                }

                world.CheckAll();
            },
            iter: 250);

    private sealed class World : IDisposable
    {
        private readonly TestStore _store = new(TimeSpan.FromSeconds(5));
        private readonly AddressPlan _plan = TestStore.Plan(Sets);
        private readonly Dictionary<string, (string[] Addresses, bool IsOurs)> _model = [];
        private int _boots;

        public void Do(Step step, string container, int number)
        {
            switch (step)
            {
                case Step.Add or Step.AddMore:
                    Add(container);
                    break;
                case Step.AddRequested:
                    Add(container, $"2001:db8::{number:x}");
                    break;
                case Step.Delete or Step.DeleteMore:
                    Assert.Equal(_model.Remove(container, out (string[] Addresses, bool IsOurs) had) ? had.Addresses.Length : 0, _store.Release(container));
                    break;
                case Step.Collect:
                    Collect(number);
                    break;
                case Step.ForeignAdd or Step.ForeignDelete or Step.ForeignDeath:
                    Foreign(step, container);
                    break;
                case Step.Death or Step.DeathBeforeIndex:
                    Die(container, step == Step.DeathBeforeIndex);
                    break;
                case Step.IndexLost or Step.IndexDamaged when File.Exists(_store.IndexFile):
                    LoseIndex(step == Step.IndexDamaged ? 4096 + (64 * number) : 0);
                    break;
                case Step.Reboot:
                    _store.Boot = $"boot-{++_boots + 1}";
                    foreach (string owner in _model.Where(p => p.Value.IsOurs).Select(p => p.Key).ToArray())
                    {
                        _model.Remove(owner);
                    }

                    Assert.Equal(0, _store.Release("nobody"));
                    break;
                case Step.Wait:
                    _store.Wait(TimeSpan.FromSeconds(number));
                    break;
            }
        }

        public void Check(string container)
        {
            using LeaseStore store = _store.Open();
            IPAddress[] addresses = _model.TryGetValue(container, out (string[] Addresses, bool IsOurs) lease) ? [.. lease.Addresses.Select(IPAddress.Parse)] : [];
            Assert.Equal(addresses.Length > 0, store.Holds(TestStore.Owner(container)));
            Assert.Equal(addresses.Length > 0, store.Holds(TestStore.Owner(container), addresses));
            Assert.Equal(_model.Values.SelectMany(l => l.Addresses).Order(StringComparer.Ordinal), _store.Leases());
        }

        public void CheckAll()
        {
            for (int i = 0; i < Owners; i++)
            {
                Check($"c{i}");
            }

            // Every address that the model calls free can be had.
            while (_model.Count < Capacity)
            {
                Add($"last{_model.Count}-{_boots}");
            }

            Assert.Throws<PoolExhaustedException>(() => _store.Allocate(_plan, "one too many"));
            foreach (string owner in _model.Keys.ToArray())
            {
                Assert.Equal(2, _store.Release(owner));
            }

            Assert.Empty(_store.Leases());
        }

        public void Dispose() => _store.Dispose();

        private void Add(string container, params string[] requested)
        {
            string[] taken = [.. _model.Values.SelectMany(l => l.Addresses)];
            bool isTaken = requested.Any(taken.Contains) || requested.Any(r => r is "2001:db8::1" or "2001:db8::0" or "2001:db8::d" or "2001:db8::e" or "2001:db8::f" || r.Length > 11);
            try
            {
                string[] addresses = [.. _store.Allocate(_plan, container, requested).Select(l => AddressText.Format(l.Address))];
                Assert.False(_model.ContainsKey(container) || isTaken || _model.Count >= Capacity);
                Assert.Empty(addresses.Intersect(taken));
                Assert.All(requested, r => Assert.Contains(r, addresses));
                _model.Add(container, (addresses, true));
            }
            catch (IpamException)
            {
                Assert.True(_model.ContainsKey(container) || isTaken || _model.Count >= Capacity);
            }
        }

        private void Collect(int number)
        {
            using LeaseStore store = _store.Open();
            string[] stale = [.. _model.Keys.Where(c => c.Length % 2 == number % 2)];
            Assert.Equal(stale.Length * 2, store.Collect(owner => !stale.Contains(owner.ContainerId)));
            Array.ForEach(stale, c => _model.Remove(c));
        }

        private void LoseIndex(long size)
        {
            using (FileStream file = File.OpenWrite(_store.IndexFile))
            {
                file.SetLength(size);
            }

            // What is not known to be ours is kept over a reboot.
            foreach (string owner in _model.Keys.ToArray())
            {
                _model[owner] = (_model[owner].Addresses, false);
            }
        }

        /// <summary>What the reference does to the files; it knows no index.</summary>
        private void Foreign(Step step, string container)
        {
            Directory.CreateDirectory(_store.Directory);
            if (step == Step.ForeignDelete && _model.Remove(container, out (string[] Addresses, bool IsOurs) lease))
            {
                Array.ForEach(lease.Addresses, a => File.Delete(Path.Combine(_store.Directory, a)));
            }

            string[] free =
            [
                .. new[] { Enumerable.Range(2, 13).Select(i => $"10.0.0.{i}"), Enumerable.Range(2, 11).Select(i => $"2001:db8::{i:x}") }
                    .Select(set => set.FirstOrDefault(a => !File.Exists(Path.Combine(_store.Directory, a)))).OfType<string>(),
            ];
            if (step == Step.ForeignAdd && free.Length == 2 && !_model.ContainsKey(container))
            {
                Array.ForEach(free, a => _store.Plant(a, $"{container}\r\neth0"));
                _store.Plant("last_reserved_ip.0", free[0]);
                _model.Add(container, (free, false));
            }

            if (step == Step.ForeignDeath && free.Length > 0)
            {
                // Found by the next call, whatever it is for.
                _store.Plant(free[0], string.Empty);
                Assert.Equal(0, _store.Release("nobody"));
            }
        }

        /// <summary>An ADD that dies before it commits, and the DEL with which a runtime answers.</summary>
        private void Die(string container, bool beforeIndex)
        {
            if (_model.ContainsKey(container) || _model.Count >= Capacity)
            {
                return;
            }

            byte[]? index = File.Exists(_store.IndexFile) ? File.ReadAllBytes(_store.IndexFile) : null;
            using (LeaseStore store = _store.Open())
            using (LeaseSession session = store.Begin())
            {
                UInt128 address = session.Index.FindFree(AddressMath.ToNumber(IPAddress.Parse("10.0.0.2")), AddressMath.ToNumber(IPAddress.Parse("10.0.0.14")))
                    ?? UInt128.Zero;
                if (address != 0)
                {
                    Assert.True(session.TryReserve(address, new LeaseText(TestStore.Owner(container)), 0));
                    _model.Add(container, ([AddressText.Format(address)], false));
                }
            }

            if (beforeIndex && index is not null)
            {
                File.WriteAllBytes(_store.IndexFile, index);
            }

            Check(container);
            Assert.Equal(_model.Remove(container) ? 1 : 0, _store.Release(container));
        }
    }
}
