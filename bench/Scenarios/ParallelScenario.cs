namespace CniPlugins.Bench.Scenarios;

/// <summary>A node that starts: many containers at the same moment.</summary>
internal sealed class ParallelScenario : IScenario
{
    private const int Containers = 32;
    private const int RoundsPerRun = 4;

    /// <inheritdoc/>
    public string Name => "parallel";

    /// <inheritdoc/>
    public string Description => $"{Containers} containers at the same time, bridge, IPv4, masquerade";

    /// <inheritdoc/>
    public void Run(Options options, Report report)
    {
        using HostPair hosts = new(options.Peer, new Shape { Masquerade = true });
        Dictionary<BenchHost, Sandbox[]> sandboxes = [];
        foreach (BenchHost host in hosts.Both)
        {
            host.Add(host.MakeSandbox());
            sandboxes[host] = [.. Enumerable.Range(0, Containers).Select(_ => host.MakeSandbox())];
        }

        Samples adds = new();
        Samples deletes = new();
        hosts.Alternate(Math.Max(1, options.Rounds / RoundsPerRun), (host, _) =>
        {
            Array.ForEach(sandboxes[host], static each => each.Renew());
            adds.Add(host.Contender, host.CallAtOnce("ADD", sandboxes[host]));
            deletes.Add(host.Contender, host.CallAtOnce("DEL", sandboxes[host]));
        });
        report.Add(Name, $"{Containers} ADD", adds);
        report.Add(Name, $"{Containers} DEL", deletes);
    }
}
