namespace CniPlugins.Bench;

/// <summary>One host for each contender, with networks of the same shape.</summary>
internal sealed class HostPair(Contender peer, Shape shape) : IDisposable
{
    /// <summary>For our plugins.</summary>
    public BenchHost Ours { get; } = new(Contender.Ours, shape);

    /// <summary>For whom ours is measured against.</summary>
    public BenchHost Peer { get; } = new(peer, shape);

    /// <summary>Both.</summary>
    public IReadOnlyList<BenchHost> Both => [Ours, Peer];

    /// <summary>Rounds of the same for both, who takes the first turn in turn: whatever else the machine does meets both alike.</summary>
    public void Alternate(int rounds, Action<BenchHost, int> round)
    {
        for (int i = 0; i < rounds; i++)
        {
            round(i % 2 == 0 ? Ours : Peer, i);
            round(i % 2 == 0 ? Peer : Ours, i);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Ours.Dispose();
        }
        finally
        {
            Peer.Dispose();
        }
    }
}
