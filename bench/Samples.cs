namespace CniPlugins.Bench;

/// <summary>What both contenders took for the same thing, round by round.</summary>
internal sealed class Samples
{
    private readonly List<Measurement> _ours = [];
    private readonly List<Measurement> _peer = [];

    /// <summary>Adds one.</summary>
    public void Add(Contender contender, Measurement measurement) => (contender == Contender.Ours ? _ours : _peer).Add(measurement);

    /// <summary>Median and 90th percentile of a figure, and the median of the ratios of each round's pair.</summary>
    public (Figure Ours, Figure Peer, double Ratio) Compare(Func<Measurement, double> figure)
    {
        double[] ratios = [.. _ours.Zip(_peer, (own, other) => figure(own) / figure(other))];
        return (Figure.Of(_ours.Select(figure)), Figure.Of(_peer.Select(figure)), Figure.Of(ratios).Median);
    }
}
