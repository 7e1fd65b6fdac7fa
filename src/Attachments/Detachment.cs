using System.Net;
using CniPlugins.Cni;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>
/// Removes an attachment: DEL, GC, a failed ADD's undoing, and the repair of a crashed one. Every step is tried, absence is success, the lease is
/// released last, so that an address is never given out while something still leads to it.
/// </summary>
public static class Detachment
{
    /// <summary>Removes the attachment.</summary>
    /// <param name="host">The host.</param>
    /// <param name="id">The attachment.</param>
    /// <param name="record">What is known of it; null: nothing, it was made by another plugin, or removed already.</param>
    /// <param name="sandbox">The container's namespace, to remove what has no record; null: not there, or not to be touched.</param>
    /// <param name="release">Releases the lease.</param>
    /// <exception cref="CniException">A step failed; the record is kept for the next DEL.</exception>
    public static void Run(Host host, AttachmentId id, AttachmentRecord? record, Sandbox? sandbox, Action release)
    {
        Teardown teardown = new();
        if (record?.Elements.Count > 0)
        {
            teardown.Try("remove its published ports and policy", () => host.Policy.Remove(record.Elements));
        }

        if (record?.Ports.Count > 0)
        {
            teardown.Try("forget connections to its ports", () => host.ForgetConnections(record.Ports));
        }

        teardown.Try("delete its link", () => DeleteLink(host, id, record, sandbox));
        if (record?.Device is string device)
        {
            teardown.Try("forget its link-layer address", () => ForgetNeighbours(host, device, record.Addresses));
        }

        teardown.Try("release its addresses", release);
        if (!teardown.Failed)
        {
            teardown.Try("remove its record", () => host.Records.Delete(id));
            teardown.Try("remove what nobody uses any more", () => SharedParts.RemoveIfUnused(host, id.Network));
        }

        teardown.Finish();
    }

    /// <summary>The host's neighbour entries would send to the old container's link-layer address for up to a minute.</summary>
    internal static void ForgetNeighbours(Host host, string device, IReadOnlyList<IPAddress> addresses)
    {
        if (host.Route.FindLink(device) is not Link link)
        {
            return;
        }

        foreach (IPAddress address in addresses)
        {
            host.Route.TryDeleteNeighbour(link.Index, address);
        }
    }

    private static void DeleteLink(Host host, AttachmentId id, AttachmentRecord? record, Sandbox? sandbox)
    {
        // By its name, which follows from the attachment, and only a veth: a record in a state directory is not trusted to name a link.
        if (host.Route.FindLink(AttachmentNames.HostInterface(id)) is { Kind: "veth" } veth)
        {
            if (record?.Elements.Count > 0)
            {
                host.DeleteLinkAside(veth);   // nftables has something to wait for as well
            }
            else
            {
                host.Route.TryDeleteLink(veth.Index);
            }

            return;
        }

        if (record is null && sandbox?.Route.FindLink(id.IfName) is Link link && (link.Flags & IFF.LOOPBACK) == 0)
        {
            sandbox.Route.TryDeleteLink(link.Index);
        }
    }
}
