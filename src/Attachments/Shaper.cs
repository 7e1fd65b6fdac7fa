using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>
/// What slows a container down: a token bucket on the host's end of its pair for what it receives, and for what it sends one on a link (ifb) that all of it
/// is redirected to.
/// </summary>
public static class Shaper
{
    /// <summary>The handle of our token buckets, <c>1:</c>, as the reference plugins have it.</summary>
    public const uint Handle = 0x10000;

    /// <summary>The link that what the container sends goes through, ours or the reference's; null when there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static Link? Find(Host host, AttachmentId id) =>
        FindLink(host, AttachmentNames.Shaper(id)) ?? FindLink(host, AttachmentNames.ReferenceShaper(id));

    /// <summary>
    /// Removes everything; nothing there is success. The redirect goes first: without its target it would swallow what the container sends.
    /// </summary>
    /// <param name="host">The host.</param>
    /// <param name="id">Whose.</param>
    /// <param name="device">The host's end of the pair, if it is known. It is touched only where a link of this attachment, or nothing any more, is its
    /// redirect's target, or where a token bucket of ours is on it.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static void Remove(Host host, AttachmentId id, string? device)
    {
        // A redirect whose target is gone has the number 0.
        Link?[] shapers = [FindLink(host, AttachmentNames.Shaper(id)), FindLink(host, AttachmentNames.ReferenceShaper(id))];
        if (device is not null && host.Route.FindLink(device) is { Kind: "veth" } pair)
        {
            if (host.Route.FindRedirect(pair.Index) is InterfaceIndex target
                && (target.Value == 0 || shapers.Any(link => link?.Index == target) || host.Route.FindLink(target) is null))
            {
                host.Route.TryDeleteQdisc(pair.Index, TC_H.INGRESS);
            }

            if (host.Route.FindQdisc(pair.Index, TC_H.ROOT) is { Kind: "tbf", Handle: Handle })
            {
                host.Route.TryDeleteQdisc(pair.Index, TC_H.ROOT);
            }
        }

        foreach (Link? shaper in shapers)
        {
            if (shaper is not null)
            {
                host.Route.TryDeleteLink(shaper.Index);
            }
        }
    }

    // By its name, which follows from the attachment, and only of this kind: nothing else is believed.
    private static Link? FindLink(Host host, string name) => host.Route.FindLink(name) is { Kind: "ifb" } link ? link : null;
}
