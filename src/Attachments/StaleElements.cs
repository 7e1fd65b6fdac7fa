using CniPlugins.Cni;
using CniPlugins.Nftables;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>nftables elements of a network whose attachment nobody has any more: their record was lost.</summary>
internal static class StaleElements
{
    /// <summary>Removes them.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void Remove(Host host, string network, HashSet<AttachmentId> valid)
    {
        HashSet<string> known = [];
        foreach (AttachmentId id in valid)
        {
            known.Add(NftElement.Shown(AttachmentNames.Full(id))!);
        }

        string prefix = network + "/";
        IReadOnlyList<RuleElement> stale = host.Policy.ListOwned(
            comment => comment.StartsWith(prefix, StringComparison.Ordinal) && !known.Contains(comment));
        if (stale.Count > 0)
        {
            host.Policy.Remove(stale);
        }
    }
}
