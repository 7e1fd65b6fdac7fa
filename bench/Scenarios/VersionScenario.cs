namespace CniPlugins.Bench.Scenarios;

/// <summary>VERSION does nothing but start and end: the floor below every other call.</summary>
internal sealed class VersionScenario : IScenario
{
    /// <inheritdoc/>
    public string Name => "version";

    /// <inheritdoc/>
    public string Description => "start and end of a process";

    /// <inheritdoc/>
    public void Run(Options options, Report report)
    {
        using HostPair hosts = new(options.Peer, new Shape());
        Samples samples = new();
        hosts.Alternate(options.Rounds, (host, _) => samples.Add(host.Contender, host.Version()));
        report.Add(Name, "VERSION", samples);
    }
}
