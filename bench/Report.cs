using System.Text;

namespace CniPlugins.Bench;

/// <summary>The tables that a run ends with, in Markdown.</summary>
internal sealed class Report
{
    private readonly StringBuilder _rows = new();
    private readonly StringBuilder _values = new();
    private readonly StringBuilder _notes = new();

    /// <summary>A row of the table: what, in which call, and the programs executed by each contender where they were counted.</summary>
    public void Add(string scenario, string call, Samples samples, (int Ours, int Peer)? programs = null)
    {
        _rows.Append($"| {scenario} | {call} |");
        Compare(_rows, samples.Compare(static m => m.WallMs));
        Compare(_rows, samples.Compare(static m => m.CpuMs));
        (Figure ours, Figure peer, _) = samples.Compare(static m => m.MemoryMiB);
        _rows.Append($" {ours.Median:0.0} | {peer.Median:0.0} |");
        _rows.AppendLine(programs is (int own, int other) ? $" {own}, {other} |" : " |");
    }

    /// <summary>A row of the second table, for what is not the cost of a call.</summary>
    public void Add(string scenario, string what, string unit, Series series)
    {
        _values.Append($"| {scenario} | {what} | {unit} |");
        Compare(_values, series.Compare());
        _values.AppendLine();
    }

    /// <summary>A line below the table.</summary>
    public void Note(string text) => _notes.AppendLine($"- {text}");

    /// <inheritdoc/>
    public override string ToString()
    {
        StringBuilder text = new();
        if (_rows.Length > 0)
        {
            text.AppendLine("Median (90th percentile); ratio: median of ours/peer over the rounds; memory: largest process.").AppendLine()
                .AppendLine("| scenario | call | wall ms: ours | peer | ratio | CPU ms: ours | peer | ratio | MiB: ours | peer | programs |")
                .AppendLine("|---|---|---|---|---|---|---|---|---|---|---|")
                .Append(_rows);
        }

        if (_values.Length > 0)
        {
            text.AppendLine().AppendLine("| scenario | what | unit | ours | peer | ratio |").AppendLine("|---|---|---|---|---|---|").Append(_values);
        }

        return text.AppendLine().Append(_notes).ToString();
    }

    private static void Compare(StringBuilder table, (Figure Ours, Figure Peer, double Ratio) figures) =>
        table.Append($" {figures.Ours} | {figures.Peer} | {figures.Ratio:0.00} |");
}
