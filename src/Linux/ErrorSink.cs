namespace CniPlugins.Linux;

/// <summary>Takes a piece of a child's standard error.</summary>
public delegate void ErrorSink(ReadOnlySpan<byte> bytes);
