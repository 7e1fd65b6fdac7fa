using System.Net;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// Everything made for one attachment. Written before the kernel is changed (intent) and again with all that is known (complete); DEL, CHECK, GC
/// and a failed ADD's undoing read it. docs/ARCHITECTURE.md describes the file.
/// </summary>
public sealed record AttachmentRecord
{
    /// <summary>Which attachment.</summary>
    public required AttachmentId Attachment { get; init; }

    /// <summary>The chained plugin whose part of the attachment this is, by its CNI type; null: the driver's, which made the interface.</summary>
    public string? Part { get; init; }

    /// <summary>The boot it was made in; what another boot made is gone.</summary>
    public required string BootId { get; init; }

    /// <summary>The container's namespace: a restarted container has the same path perhaps, but another identity.</summary>
    public NamespaceIdentity Namespace { get; init; }

    /// <summary>Where the namespace was found. It counts only if what is there now has the identity above.</summary>
    public string? NamespacePath { get; init; }

    /// <summary>Whether ADD came to its end.</summary>
    public bool IsComplete { get; init; }

    /// <summary>The kind of the container's interface where the driver made it there by itself, with no end in the host; null elsewhere.</summary>
    public string? LinkKind { get; init; }

    /// <summary>The bridge it hangs on.</summary>
    public string? Bridge { get; init; }

    /// <summary>The host's interface towards the container's addresses: the bridge, or the bridge's VLAN interface.</summary>
    public string? Device { get; init; }

    /// <summary>The device that iptables was told to let through, where it is this attachment's alone; null elsewhere.</summary>
    public string? Forwarded { get; init; }

    /// <summary>The administrator's own chain, which iptables asks before.</summary>
    public string? AdminChain { get; init; }

    /// <summary>The container's addresses.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];

    /// <summary>Where the programs are attached that serve its ports on loopback addresses; null: at the root of cgroup2, or there are none.</summary>
    public string? Cgroup { get; init; }

    /// <summary>The host's ports that lead to it.</summary>
    public IReadOnlyList<PublishedPort> Ports { get; init; } = [];

    /// <summary>nftables elements that belong to this attachment alone.</summary>
    public IReadOnlyList<RuleElement> Elements { get; init; } = [];

    /// <summary>What a plugin changed and will put back: the names are the plugin's, the values what was there before.</summary>
    public IReadOnlyDictionary<string, string> Saved { get; init; } = new Dictionary<string, string>();
}
