namespace CniPlugins.Bench;

/// <summary>Median and 90th percentile.</summary>
internal readonly record struct Figure(double Median, double P90)
{
    /// <summary>Of some values; there must be one at least.</summary>
    public static Figure Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Figure(median, sorted[(int)Math.Ceiling(sorted.Length * 0.9) - 1]);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Median:0.0} ({P90:0.0})";
}
