namespace CniPlugins.Bench.Scenarios;

/// <summary>What ADD and DEL of <c>host-local</c> alone cost with more and more leases of others in a /16, to the last free address.</summary>
internal sealed class IpamScaleScenario : IScenario
{
    private const int WarmUps = 2;
    private const int AllButOne = 65532;
    private const int LargeRounds = 10;
    private const int FlatRounds = 40;
    private const int Large = 10_000;

    private static readonly int[] s_levels = [0, 1_000, 10_000, 60_000, AllButOne];

    /// <inheritdoc/>
    public string Name => "ipam-scale";

    /// <inheritdoc/>
    public string Description => "host-local alone, with 0 to 65,532 of the 65,533 addresses of a /16 leased";

    /// <inheritdoc/>
    public void Run(Options options, Report report)
    {
        string root = Directory.CreateTempSubdirectory("cni-bench-").FullName;
        try
        {
            using Launcher launcher = new();
            Contender[] both = [Contender.Ours, options.Peer];
            int leases = 0;
            foreach (int level in s_levels)
            {
                Array.ForEach(both, contender => Fill(DirectoryOf(root, contender), leases, level));
                leases = level;
                Measure(options, report, launcher, root, level);
                Compare(report, launcher, root, level);
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private void Measure(Options options, Report report, Launcher launcher, string root, int level)
    {
        Samples adds = new();
        Samples deletes = new();
        int rounds = level < Large ? options.Rounds : Math.Min(options.Rounds, LargeRounds);
        for (int i = -WarmUps; i < rounds; i++)
        {
            foreach (Contender contender in i % 2 == 0 ? [Contender.Ours, options.Peer] : new[] { options.Peer, Contender.Ours })
            {
                Measurement add = Call(launcher, root, contender, "ADD", $"bench{i + WarmUps}");
                RequireLeases(root, contender, level + 1);
                Measurement delete = Call(launcher, root, contender, "DEL", $"bench{i + WarmUps}");
                RequireLeases(root, contender, level);
                if (i >= 0)
                {
                    adds.Add(contender, add);
                    deletes.Add(contender, delete);
                }
            }
        }

        report.Add(Name, $"ADD at {level}", adds);
        report.Add(Name, $"DEL at {level}", deletes);
    }

    /// <summary>
    /// Ours with these leases and ours with none, in turn and by themselves: neither the peer's calls nor counting the leases, which would come before some
    /// calls and not before others, drive ours out of the processor's caches.
    /// </summary>
    private void Compare(Report report, Launcher launcher, string root, int level)
    {
        Contender none = Contender.Ours with { Name = "none" };
        Dictionary<(string Verb, bool IsFull), List<Measurement>> all = [];
        for (int i = -WarmUps; i < FlatRounds; i++)
        {
            foreach (bool isFull in i % 2 == 0 ? [true, false] : new[] { false, true })
            {
                foreach (string verb in new[] { "ADD", "DEL" })
                {
                    Measurement cost = Call(launcher, root, isFull ? Contender.Ours : none, verb, $"flat{i + WarmUps}");
                    if (i >= 0)
                    {
                        all.TryAdd((verb, isFull), []);
                        all[(verb, isFull)].Add(cost);
                    }
                }
            }
        }

        RequireLeases(root, Contender.Ours, level);
        RequireLeases(root, none, 0);
        foreach (string verb in new[] { "ADD", "DEL" })
        {
            report.Note(
                $"{Name}: our {verb} at {level} takes {Ratio(verb, static m => m.WallMs):0.00} times the time and {Ratio(verb, static m => m.CpuMs):0.00} times the processor time of one at 0, in turn");
        }

        double Ratio(string verb, Func<Measurement, double> figure) =>
            Figure.Of(all[(verb, true)].Select(figure)).Median / Figure.Of(all[(verb, false)].Select(figure)).Median;
    }

    private Measurement Call(Launcher launcher, string root, Contender contender, string verb, string id)
    {
        Dictionary<string, string> variables = new()
        {
            ["CNI_COMMAND"] = verb,
            ["CNI_CONTAINERID"] = id,
            ["CNI_IFNAME"] = "eth0",
            ["CNI_NETNS"] = "/nowhere",
            ["CNI_PATH"] = contender.Binaries,
        };
        string data = Path.GetDirectoryName(DirectoryOf(root, contender))!;
        string network = $$"""{"cniVersion":"1.0.0","name":"net","ipam":{"type":"host-local","dataDir":"{{data}}","subnet":"10.1.0.0/16"} }""";
        ProcessOutcome outcome = launcher.Run(new ProcessStart([Path.Combine(contender.Binaries, "host-local")], variables, network));
        return outcome.Succeeded ? outcome.Cost : throw new BenchException($"{Name}, {contender.Name}: {verb}: {outcome.Output}{outcome.Error}");
    }

    /// <summary>What is fast because it does not do its work is no contender.</summary>
    private void RequireLeases(string root, Contender contender, int expected)
    {
        int count = Directory.EnumerateFiles(DirectoryOf(root, contender), "10.*").Count();
        if (count != expected)
        {
            throw new BenchException($"{Name}, {contender.Name}: {count} leases instead of {expected}");
        }
    }

    private static string DirectoryOf(string root, Contender contender) => Path.Combine(root, contender.Name, "net");

    /// <summary>Leases of others, in the order in which they would have come, but for one in the middle, which is the last to go.</summary>
    private static void Fill(string directory, int from, int to)
    {
        const int Middle = 128 << 8;
        Directory.CreateDirectory(directory);
        for (int i = from; i < to; i++)
        {
            int host = i + 2 < Middle ? i + 2 : i + 3;
            File.WriteAllText($"{directory}/10.1.{host >> 8}.{host & 255}", $"other{i}\r\neth0");
        }
    }
}
