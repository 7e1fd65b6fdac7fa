namespace CniPlugins.Publishing;

/// <summary>A host port cannot be published because somebody has it.</summary>
/// <param name="port">The port.</param>
/// <param name="owner">Who has it: an attachment's comment, a process, or null if that cannot be told.</param>
/// <param name="byProcess">Whether a process of the host listens on it (and no container publishes it).</param>
public sealed class PortConflictException(PublishedPort port, string? owner, bool byProcess)
    : Exception(byProcess
        ? $"host port {port} is in use by {owner ?? "a process of this host"}"
        : $"host port {port} is published already by {owner ?? "another container"}")
{
    /// <summary>The port.</summary>
    public PublishedPort Port { get; } = port;

    /// <summary>Whether a process of the host listens on it.</summary>
    public bool ByProcess { get; } = byProcess;
}
