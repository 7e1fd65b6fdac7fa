namespace CniPlugins.Bench.Scenarios;

/// <summary>A container that publishes many ports: beside the peers with as many, and with a thousand beside ours without any.</summary>
internal sealed class PortCountScenario : IScenario
{
    private const int WarmUps = 1;
    private const int Thousand = 1_000;

    private static readonly (int Ports, int Rounds)[] s_levels = [(10, 10), (100, 3)];

    private static readonly Shape s_shape = new() { HostAddress = "0.0.0.0" };

    /// <inheritdoc/>
    public string Name => "port-count";

    /// <inheritdoc/>
    public string Description => "10 and 100 published ports of one container, and ours with 1,000 beside ours with none";

    /// <inheritdoc/>
    public void Run(Options options, Report report)
    {
        foreach (Contender peer in options.PublishingPeers)
        {
            using HostPair hosts = new(peer, s_shape);
            Publish(hosts, s_shape);
            foreach ((int ports, int rounds) in s_levels)
            {
                Measure(hosts, $"{Name}, {peer.Name}", $"{ports} ports", Math.Min(rounds, options.Rounds), report, _ => s_shape with { Ports = ports });
            }
        }

        MeasureOwn(options, report, s_shape, "1000 ports");

        // Without an address: on 127.0.0.1 and [::1].
        MeasureOwn(options, report, new Shape { DualStack = true }, "1000 ports of both families");
    }

    private void MeasureOwn(Options options, Report report, Shape none, string what)
    {
        using HostPair hosts = new(Contender.OursWithout, none);
        Publish(hosts, none);
        (double add, double delete) = Measure(
            hosts, $"{Name}, {Contender.OursWithout.Name}", what, options.Rounds, report, contender => contender == Contender.Ours ? none with { Ports = Thousand } : none);
        report.Note($"{Name}: our ADD with {what} takes {add:0.00} times the time of one without any, our DEL {delete:0.00} times, in turn");
    }

    /// <summary>One port of another container: what is made for the first one and shared is there.</summary>
    private static void Publish(HostPair hosts, Shape shape)
    {
        foreach (BenchHost host in hosts.Both)
        {
            host.Add(host.MakeSandbox(), shape with { Ports = 1, StartPort = Shape.FirstPort - 1 });
        }
    }

    private static (double Add, double Delete) Measure(HostPair hosts, string name, string what, int rounds, Report report, Func<Contender, Shape> shape)
    {
        Dictionary<BenchHost, Sandbox> sandboxes = hosts.Both.ToDictionary(static host => host, static host => host.MakeSandbox());
        Samples adds = new(), deletes = new();
        hosts.Alternate(WarmUps, (host, _) => Once(host, new Samples(), new Samples()));
        hosts.Alternate(rounds, (host, _) => Once(host, adds, deletes));
        report.Add(name, $"ADD {what}", adds);
        report.Add(name, $"DEL {what}", deletes);
        return (adds.Compare(static m => m.WallMs).Ratio, deletes.Compare(static m => m.WallMs).Ratio);

        void Once(BenchHost host, Samples toAdds, Samples toDeletes)
        {
            toAdds.Add(host.Contender, host.Add(sandboxes[host], shape(host.Contender)));
            toDeletes.Add(host.Contender, host.Delete(sandboxes[host], shape(host.Contender)));
        }
    }
}
