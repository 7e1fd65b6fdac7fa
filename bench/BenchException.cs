namespace CniPlugins.Bench;

/// <summary>A benchmark cannot go on: a call failed, or did not do what it is measured for.</summary>
internal sealed class BenchException(string message) : Exception(message);
