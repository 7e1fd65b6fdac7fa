using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>
/// <c>host-local</c> killed: before each of its system calls, one after another, and at any moment, many at once. No address is given twice, and
/// none is lost. CNI_KILL_OPERATIONS says how many operations the second has; 10,000 take about a minute.
/// </summary>
public sealed partial class HostLocalCrashTests : IDisposable
{
    private const int Workers = 32;
    private const int Killed = 137;

    /// <summary>All that can change a file.</summary>
    private static readonly string[] s_changes =
    [
        "openat", "mkdirat", "write", "pwrite64", "linkat", "unlinkat", "renameat", "renameat2", "ftruncate", "fallocate", "utimensat", "fchmod",
        "flock", "fsync", "fdatasync", "symlinkat", "close",
    ];

    private readonly string _root = TestDirectory.Create("crash");
    private readonly string _binaries;

    public HostLocalCrashTests()
    {
        Reference.Require();
        using TestHost host = TestHost.Create();
        _binaries = host.Binaries;
        Directory.CreateDirectory(_root + "/data");
        File.WriteAllText(
            _root + "/settings.json", $$"""{"stateDir":"{{_root}}/run","dataDir":"{{_root}}/leases","subnetDir":"{{_root}}/subnets"}""");
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("ADD", 0)]
    [InlineData("ADD", 2)]
    [InlineData("DEL", 2)]
    [InlineData("GC", 2)]
    public void Killed_before_any_system_call_it_leaves_a_valid_store(string verb, int others)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/strace"), "strace is not installed");
        const string Ranges = """ "ranges":[[{"subnet":"10.1.0.0/29"}],[{"subnet":"fd00:1::/125"}]] """;
        List<(string Call, int Number)> places = ListPlaces(verb, others, Ranges);
        Assert.InRange(places.Count, 8, 400);
        int number = 0;
        foreach ((string call, int count) in places)
        {
            string network = $"net{number++}";
            string[] before = Prepare(network, verb, others, Ranges);
            ToolResult result = Call(
                verb, network, "victim", Ranges, wrapper: ["/usr/bin/strace", "-f", "-o", "/dev/null", "-e", $"inject={call}:signal=SIGKILL:when={count}"]);
            Assert.True(result.ExitCode == Killed, $"{call} {count} of {verb}: {result}");

            string what = $"{verb} killed before {call} {count}";
            Assert.True(before.All(ListLeases(network).Contains), $"{what}: {string.Join(' ', ListLeases(network))}");
            Assert.All(before, name => Assert.StartsWith("other", Read(network, name), StringComparison.Ordinal));

            // What a runtime does after it: DEL. Then all that is left can be had, by the reference too, once each.
            Assert.True(Call("DEL", network, "victim", Ranges).ExitCode == 0, what);
            Assert.Equal(before, ListLeases(network));
            HashSet<string> given = [.. before];
            for (int free = 5 - others; free > 0; free--)
            {
                ToolResult add = Call("ADD", network, $"next{free}", Ranges, free % 2 == 0 ? TestHost.ReferenceBinaries : null);
                Assert.True(add.ExitCode == 0, $"{what}: {add}");
                Assert.All(AddressesOf(add), address => Assert.True(given.Add(address), $"{what}: {address} is given twice"));
            }

            Assert.Equal(11, Json.Parse(Call("ADD", network, "one-too-many", Ranges).Output).GetProperty("code").GetInt32());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Killed_at_any_moment_many_at_once_they_give_no_address_twice_and_lose_none(bool withReference)
    {
        const string Ranges = """ "subnet":"10.1.0.0/22" """;
        const int Capacity = 1021;
        int operations = int.Parse(Environment.GetEnvironmentVariable("CNI_KILL_OPERATIONS") ?? "1500", CultureInfo.InvariantCulture);
        ConcurrentDictionary<string, string> held = new();
        ConcurrentQueue<string> faults = new();
        int left = operations;
        int kills = 0;
        Thread[] workers = [.. Enumerable.Range(0, Workers).Select(worker => new Thread(() => Work(worker)))];
        Array.ForEach(workers, static worker => worker.Start());
        Array.ForEach(workers, static worker => worker.Join());

        Assert.Empty(faults);
        Assert.True(kills > operations / 20, $"only {kills} were killed");
        Assert.All(held, pair => Assert.Equal($"{pair.Value}\r\neth0", Read("net", pair.Key)));
        string valid = string.Join(',', held.Values.Select(static id => $$"""{"containerID":"{{id}}","ifname":"eth0"}"""));
        Assert.Equal(0, Call("GC", "net", "", Ranges, more: $$""","cni.dev/valid-attachments":[{{valid}}]""").ExitCode);
        Assert.Equal(held.Keys.Order(StringComparer.Ordinal), ListLeases("net").Where(name => Read("net", name).Length > 0));
        for (int free = Capacity - held.Count; free > 0; free--)
        {
            ToolResult add = Call("ADD", "net", $"last{free}", Ranges);
            Assert.True(add.ExitCode == 0, $"{free} should be free: {add}");
            Assert.True(held.TryAdd(AddressesOf(add).Single(), ""), add.Output);
        }

        Assert.NotEqual(0, Call("ADD", "net", "one-too-many", Ranges).ExitCode);

        void Work(int worker)
        {
            Random random = new(worker);
            List<(string Id, string Address)> own = [];
            int made = 0;
            while (Interlocked.Decrement(ref left) >= 0)
            {
                bool add = own.Count == 0 || (own.Count < 6 && random.Next(2) == 0);
                string id = add ? $"w{worker}-{made++}" : own[^1].Id;
                string? binaries = withReference && random.Next(3) == 0 ? TestHost.ReferenceBinaries : null;
                if (!add && held.TryRemove(own[^1].Address, out _))
                {
                    own.RemoveAt(own.Count - 1);   // from here on another may have it
                }

                int? limit = random.Next(3) == 0 ? random.Next(60) : null;
                ToolResult? result = CallAndKill(add ? "ADD" : "DEL", id, Ranges, binaries, limit);
                if (result is null)
                {
                    // A runtime answers with DEL; now and then it dies as well, and what is left waits for GC.
                    Interlocked.Increment(ref kills);
                    result = random.Next(5) > 0 ? CallAndKill("DEL", id, Ranges, null, limit: null) : null;
                    add = false;
                }

                if (result is null)
                {
                    continue;
                }

                if (result.ExitCode != 0)
                {
                    faults.Enqueue($"{id}: {result}");
                }
                else if (add)
                {
                    string address = AddressesOf(result).Single();
                    own.Add((id, address));
                    if (!held.TryAdd(address, id))
                    {
                        faults.Enqueue($"{id} got {address}, which {held.GetValueOrDefault(address)} has");
                    }
                }
            }
        }
    }

    [GeneratedRegex(@"^\d+ +(\w+)\(")]
    private static partial Regex CallName();

    /// <summary>The system calls of a run that can change a file, from the first that concerns the leases.</summary>
    private List<(string Call, int Number)> ListPlaces(string verb, int others, string ranges)
    {
        Prepare("trace", verb, others, ranges);
        string log = _root + "/strace";
        Assert.Equal(0, Call(verb, "trace", "victim", ranges, wrapper: ["/usr/bin/strace", "-f", "-o", log]).ExitCode);
        Dictionary<string, int> counts = [];
        List<(string, int)> places = [];
        bool begun = false;
        foreach (string line in File.ReadLines(log))
        {
            begun |= line.Contains(DataOf("trace"), StringComparison.Ordinal);
            if (CallName().Match(line) is { Success: true } match)
            {
                string name = match.Groups[1].Value;
                counts[name] = counts.GetValueOrDefault(name) + 1;
                if (begun && s_changes.Contains(name))
                {
                    places.Add((name, counts[name]));
                }
            }
        }

        return places;
    }

    /// <summary>A network with leases of others, which it names, and, unless it is to be added, of the victim.</summary>
    private string[] Prepare(string network, string verb, int others, string ranges)
    {
        for (int i = 0; i < others; i++)
        {
            Assert.Equal(0, Call("ADD", network, $"other{i}", ranges).ExitCode);
        }

        string[] leases = ListLeases(network);
        if (verb != "ADD")
        {
            Assert.Equal(0, Call("ADD", network, "victim", ranges).ExitCode);
        }

        return leases;
    }

    private ToolResult Call(
        string verb, string network, string id, string ranges, string? binaries = null, string[]? wrapper = null, string? more = null)
    {
        // A GC that spares the others.
        more ??= verb == "GC" ? ""","cni.dev/valid-attachments":[{"containerID":"other0","ifname":"eth0"},{"containerID":"other1","ifname":"eth0"}]""" : "";
        string[] words = [.. wrapper ?? [], Path.Combine(binaries ?? _binaries, "host-local")];
        return Tool.Run(words[0], words[1..], Input(network, ranges, more, binaries is null), Variables(verb, id));
    }

    /// <summary>Null when it was killed, after so many milliseconds, before it ended.</summary>
    private ToolResult? CallAndKill(string verb, string id, string ranges, string? binaries, int? limit)
    {
        ProcessStartInfo start = new(Path.Combine(binaries ?? _binaries, "host-local")) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment.Clear();
        foreach ((string name, string value) in Variables(verb, id))
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Write(Input("net", ranges, "", binaries is null));
        process.StandardInput.Close();
        if (limit is int milliseconds && !process.WaitForExit(milliseconds))
        {
            process.Kill();
            process.WaitForExit();
            if (process.ExitCode == Killed)
            {
                return null;
            }
        }

        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ToolResult(start.FileName, process.ExitCode, output, "");
    }

    private Dictionary<string, string> Variables(string verb, string id) => new()
    {
        ["CNI_COMMAND"] = verb,
        ["CNI_CONTAINERID"] = id,
        ["CNI_IFNAME"] = "eth0",
        ["CNI_NETNS"] = "/nowhere",
        ["CNI_PATH"] = _binaries,
        ["CNI_PLUGINS_CONFIG"] = _root + "/settings.json",
    };

    private string Input(string network, string ranges, string more, bool ours) =>
        $$"""{"cniVersion":"{{(ours ? "1.1.0" : "1.0.0")}}","name":"{{network}}","ipam":{"type":"host-local","dataDir":"{{DataOf(network)}}",{{ranges}}}{{more}}}""";

    private static IEnumerable<string> AddressesOf(ToolResult add) =>
        Json.Parse(add.Output).GetProperty("ips").EnumerateArray().Select(static ip => ip.Text("address")!.Split('/')[0]);

    /// <summary>One for each network, so that the first call of each makes it.</summary>
    private string DataOf(string network) => $"{_root}/data/{network}";

    private string Read(string network, string name) => File.ReadAllText($"{DataOf(network)}/{network}/{name}");

    private string[] ListLeases(string network) => !Directory.Exists($"{DataOf(network)}/{network}")
        ? []
        : [.. Directory.GetFiles($"{DataOf(network)}/{network}").Select(static path => Path.GetFileName(path)!)
            .Where(static name => System.Net.IPAddress.TryParse(name, out _)).Order(StringComparer.Ordinal)];
}
