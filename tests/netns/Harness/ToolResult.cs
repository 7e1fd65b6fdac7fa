namespace CniPlugins.NetnsTests.Harness;

/// <summary>A program that ran to its end: what was called, and everything it said.</summary>
public sealed record ToolResult(string CommandLine, int ExitCode, string Output, string Error)
{
    /// <summary>For a transcript: the command, the exit code, and both streams.</summary>
    public override string ToString() => $"$ {CommandLine}\n  exit {ExitCode}\n{Indent("out", Output)}{Indent("err", Error)}";

    private static string Indent(string label, string text) => text.Length == 0
        ? ""
        : $"  {label}: {text.TrimEnd().Replace("\n", "\n       ", StringComparison.Ordinal)}\n";
}
