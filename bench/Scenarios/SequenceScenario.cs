namespace CniPlugins.Bench.Scenarios;

/// <summary>Whether the two-hundredth container costs what the first did.</summary>
internal sealed class SequenceScenario : IScenario
{
    private const int Containers = 200;
    private const int Edge = 20;

    /// <inheritdoc/>
    public string Name => "sequence";

    /// <inheritdoc/>
    public string Description => $"{Containers} containers one after another, all of them there: bridge, IPv4, masquerade";

    /// <inheritdoc/>
    public void Run(Options options, Report report)
    {
        using HostPair hosts = new(options.Peer, new Shape { Masquerade = true });
        Dictionary<BenchHost, List<Sandbox>> sandboxes = hosts.Both.ToDictionary(static host => host, static _ => new List<Sandbox>());
        Samples firstAdds = new(), lastAdds = new(), firstDeletes = new(), lastDeletes = new();
        hosts.Alternate(Containers, (host, i) =>
        {
            Sandbox sandbox = host.MakeSandbox();
            sandboxes[host].Add(sandbox);
            Add(firstAdds, lastAdds, i, host, host.Add(sandbox));
        });
        hosts.Alternate(Containers, (host, i) => Add(firstDeletes, lastDeletes, i, host, host.Delete(sandboxes[host][i])));
        report.Add(Name, $"first {Edge} ADD", firstAdds);
        report.Add(Name, $"last {Edge} ADD", lastAdds);
        report.Add(Name, $"first {Edge} DEL", firstDeletes);
        report.Add(Name, $"last {Edge} DEL", lastDeletes);
    }

    private static void Add(Samples first, Samples last, int i, BenchHost host, Measurement cost)
    {
        if (i < Edge)
        {
            first.Add(host.Contender, cost);
        }
        else if (i >= Containers - Edge)
        {
            last.Add(host.Contender, cost);
        }
    }
}
