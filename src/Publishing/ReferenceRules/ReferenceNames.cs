namespace CniPlugins.Publishing.ReferenceRules;

/// <summary>
/// Names that the reference plugins give to the chains of an attachment, and the comments of its rules. They are made of SHA-512 digests, each in
/// hexadecimal digits.
/// </summary>
/// <param name="ContainerId">The container.</param>
/// <param name="ContainerDigest">Of the network's name and the container's id.</param>
public sealed record ReferenceNames(string ContainerId, string ContainerDigest)
{
    private const int ChainNameLength = 28;
    private const int CommentDigestLength = 16;

    /// <summary>The container's interface; null: not known.</summary>
    public ReferenceInterface? Interface { get; init; }

    /// <summary>How the comment of a masquerading rule begins that was made by nftables.</summary>
    internal string? MasqueradePrefix => Interface is ReferenceInterface known
        ? $"{known.NetworkDigest[..CommentDigestLength]}-{known.Digest[..CommentDigestLength]},"
        : null;

    /// <summary>The chain that a port's frames go to; a second one has <c>-mac</c> behind it.</summary>
    internal string? SpoofChain => Interface is null ? null : $"{SpoofChainPrefix}{ContainerId}-{Interface.Name}";

    /// <summary>How such chains' names begin.</summary>
    internal const string SpoofChainPrefix = "cni-br-iface-";

    /// <summary>A chain of the container: the prefix, and as many digits as make 28 characters in all.</summary>
    internal string Chain(string prefix) => prefix + ContainerDigest[..(ChainNameLength - prefix.Length)];

    /// <summary>The container that the comment of one of iptables' rules names, if it is of the network; else null.</summary>
    internal static string? FindContainer(string? comment, string network)
    {
        string name = $"name: \"{network}\" id: \"";
        int start = comment?.IndexOf(name, StringComparison.Ordinal) ?? -1;
        if (start < 0)
        {
            return null;
        }

        string rest = comment![(start + name.Length)..];
        int end = rest.IndexOf('"', StringComparison.Ordinal);
        return end > 0 ? rest[..end] : null;   // a comment that was cut off names nobody
    }
}
