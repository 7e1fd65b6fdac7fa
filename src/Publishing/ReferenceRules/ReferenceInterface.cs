namespace CniPlugins.Publishing.ReferenceRules;

/// <summary>A container's interface, where the reference plugins' names have it in them.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Digest">SHA-512 of name, colon and container id.</param>
/// <param name="NetworkDigest">SHA-512 of the network's name.</param>
public sealed record ReferenceInterface(string Name, string Digest, string NetworkDigest);
