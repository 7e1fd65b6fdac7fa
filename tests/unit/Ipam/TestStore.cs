using System.Net;
using CniPlugins.Ipam;

namespace CniPlugins.UnitTests.Ipam;

/// <summary>A store in a directory of its own, with a clock and a boot that a test may change.</summary>
internal sealed class TestStore : IDisposable
{
    private readonly TempDirectory _root = new();
    private readonly TestClock _clock = new();

    public TestStore(TimeSpan holdDown = default) => HoldDown = holdDown;

    public string Root => _root.Path;

    public string Directory => _root["net"];

    public string IndexFile => _root[".index/net"];

    public string Boot { get; set; } = "boot-1";

    public string Host { get; set; } = "host-1";

    public TimeSpan HoldDown { get; }

    public LeaseStoreOptions Options => new() { BootId = Boot, HostId = () => Host, HoldDown = HoldDown, Clock = _clock };

    public void Wait(TimeSpan time) => _clock.Offset += time;

    public LeaseStore Open() => LeaseStore.Ensure(Root, "net", Options);

    public IReadOnlyList<Lease> Allocate(AddressPlan plan, string container, params string[] requested)
    {
        using LeaseStore store = Open();
        return new AddressAllocator(plan, store).Allocate(Owner(container), [.. requested.Select(IPAddress.Parse)]);
    }

    /// <summary>One lease of a plan with one set, as text.</summary>
    public string Next(AddressPlan plan, string container, params string[] requested) =>
        AddressText.Format(Allocate(plan, container, requested).Single().Address);

    public int Release(string container, string interfaceName = "eth0")
    {
        using LeaseStore store = Open();
        return store.Release(Owner(container, interfaceName));
    }

    /// <summary>Writes a file as some other program would, without the lock.</summary>
    public void Plant(string name, string content)
    {
        System.IO.Directory.CreateDirectory(Directory);
        File.WriteAllText(System.IO.Path.Combine(Directory, name), content);
    }

    public string Read(string name) => File.ReadAllText(System.IO.Path.Combine(Directory, name));

    /// <summary>The names of lease files, in order.</summary>
    public string[] Leases() =>
        [.. System.IO.Directory.GetFiles(Directory).Select(p => System.IO.Path.GetFileName(p)!).Where(n => AddressText.TryParse(n, out _)).Order(StringComparer.Ordinal)];

    public static LeaseOwner Owner(string container, string interfaceName = "eth0") => new(container, interfaceName);

    /// <summary>Sets separated by blanks, ranges in a set by commas; a range is <c>subnet</c> or <c>subnet:start:end:gateway</c> with ';' for ':'.</summary>
    public static AddressPlan Plan(string text) => new(text.Split(' ').Select(set => new RangeSet(set.Split(',').Select(Range))));

    public static AddressRange Range(string text)
    {
        string[] parts = text.Split(';');
        Assert.True(IpPrefix.TryParse(parts[0], out IpPrefix subnet), parts[0]);
        return new AddressRange(subnet, Part(1), Part(2), Part(3));

        IPAddress? Part(int index) => parts.Length > index && parts[index].Length > 0 ? IPAddress.Parse(parts[index]) : null;
    }

    public void Dispose() => _root.Dispose();

    private sealed class TestClock : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override long GetTimestamp() => base.GetTimestamp() + (long)(Offset.TotalSeconds * TimestampFrequency);
    }
}
