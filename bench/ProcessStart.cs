namespace CniPlugins.Bench;

/// <summary>A process to be run: the program's path and its arguments, exactly these variables, and standard input.</summary>
internal sealed record ProcessStart(IReadOnlyList<string> Words, IReadOnlyDictionary<string, string> Variables, string Input);
