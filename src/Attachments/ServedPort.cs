using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>A port that is served at the socket.</summary>
/// <param name="Port">The port.</param>
/// <param name="Owner">The attachment's name.</param>
/// <param name="Cgroup">Where the programs are attached; null: at the root.</param>
internal sealed record ServedPort(PublishedPort Port, string Owner, string? Cgroup);
