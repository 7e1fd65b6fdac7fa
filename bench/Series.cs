namespace CniPlugins.Bench;

/// <summary>What both contenders showed of the same thing, one or many values in each round.</summary>
internal sealed class Series
{
    private readonly List<IReadOnlyList<double>> _ours = [];
    private readonly List<IReadOnlyList<double>> _peer = [];

    /// <summary>Adds a round's.</summary>
    public void Add(Contender contender, params IReadOnlyList<double> values) => (contender == Contender.Ours ? _ours : _peer).Add(values);

    /// <summary>Median and 90th percentile of all, and the median of the ratios of each round's medians.</summary>
    public (Figure Ours, Figure Peer, double Ratio) Compare()
    {
        double[] ratios = [.. _ours.Zip(_peer, static (own, other) => Figure.Of(own).Median / Figure.Of(other).Median)];
        return (Figure.Of(_ours.SelectMany(static round => round)), Figure.Of(_peer.SelectMany(static round => round)), Figure.Of(ratios).Median);
    }
}
