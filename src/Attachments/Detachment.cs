using System.Net;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Attachments;

/// <summary>
/// Removes an attachment, or a chained plugin's part in it: DEL, GC, a failed ADD's undoing, and the repair of a crashed one. Every step is tried,
/// absence is success, the lease is released last, so that an address is never given out while something still leads to it.
/// </summary>
internal static class Detachment
{
    // Chained plugins that leave something in the host. Their DEL comes before the driver's, unless one was taken out of the list in the meantime.
    private static readonly string[] s_partsInHost = ["portmap", "firewall", "bandwidth"];

    /// <summary>Removes it.</summary>
    /// <param name="removal">What, and what is known of it.</param>
    /// <param name="part">Whose part; null: the driver's, and with it the whole attachment.</param>
    /// <param name="remove">The plugin's own steps.</param>
    /// <param name="release">Releases the lease.</param>
    /// <exception cref="CniException">A step failed; the record is kept for the next DEL.</exception>
    public static void Run(Removal removal, string? part, Action<Removal> remove, Action release)
    {
        (Host host, AttachmentId id, Teardown steps) = (removal.Host, removal.Id, removal.Steps);
        using (StateUse.Begin(host))
        {
            RunAll(removal, part, remove, release);
        }

        // Only now: it takes the lock for itself alone.
        if (!steps.Failed)
        {
            steps.Try("remove what nobody uses any more", () => SharedParts.RemoveIfUnused(host, id.Network));
        }

        steps.Finish();
    }

    private static void RunAll(Removal removal, string? part, Action<Removal> remove, Action release)
    {
        (Host host, AttachmentId id, Teardown steps) = (removal.Host, removal.Id, removal.Steps);
        if (part is null)
        {
            RemoveParts(removal);
        }

        RemovePolicy(host, removal.Record, steps);
        remove(removal);
        if (removal.Record?.Device is string device)
        {
            steps.Try("forget its link-layer address", () => ForgetNeighbours(host, device, removal.Record.Addresses));
        }

        steps.Try("release its addresses", release);
        if (!steps.Failed)
        {
            steps.Try("remove its record", () => host.Records.Delete(id, part));
        }
    }

    private static void RemoveParts(Removal removal)
    {
        (Host host, AttachmentId id) = (removal.Host, removal.Id);
        foreach (string part in s_partsInHost)
        {
            if (host.Records.Find(id, part) is AttachmentRecord record)
            {
                RemovePolicy(host, record, removal.Steps);
                removal.Steps.Try($"remove what {part} noted", () => host.Records.Delete(id, part));
            }
        }

        removal.Steps.Try("remove what shaped its traffic", () => Shaper.Remove(host, id, device: null));   // its pair goes as well
    }

    private static void RemovePolicy(Host host, AttachmentRecord? record, Teardown steps)
    {
        if (record is { IsComplete: true } && record.Elements.Count + record.Ports.Count > 0)
        {
            Disown(host, record);
        }

        if (record?.Elements.Count > 0)
        {
            steps.Try("remove its published ports and policy", () => host.Policy.Remove(record.Elements));
        }

        if (record?.Ports.Count > 0)
        {
            steps.Try("lead no more sockets to its ports", () => host.Loopback.Remove(record));
        }

        if (record?.Forwarded is string forwarded)
        {
            steps.Try("take back what iptables lets through", () => host.Policy.Forward.Remove(forwarded));
        }

        if (record?.Ports.Count > 0)
        {
            steps.Try("forget connections to its ports", () => host.ForgetConnections(LoopbackService.ListTranslated(record)));
        }
    }

    /// <summary>From here on the record is one of leftovers: should this be killed or fail, nobody must put back what was taken away.</summary>
    private static void Disown(Host host, AttachmentRecord record)
    {
        try
        {
            host.Records.Write(record with { IsComplete = false });
        }
        catch (LinuxException)
        {
            // A full disk must not hold up DEL, which frees some of it.
        }
    }

    /// <summary>The host's neighbour entries would send to the old container's link-layer address for up to a minute.</summary>
    private static void ForgetNeighbours(Host host, string device, IReadOnlyList<IPAddress> addresses)
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
}
