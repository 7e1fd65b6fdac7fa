using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// Publishes and withdraws ports of a running attachment. What is withdrawn and what is published changes in one transaction, so that a port can be moved from
/// one of the container's to another and leads, at any moment, to the one or to the other. TCP connections that are open stay open.
/// </summary>
public static class LivePorts
{
    /// <summary>Changes them.</summary>
    /// <param name="host">The host.</param>
    /// <param name="sockets">The kernel.</param>
    /// <param name="id">The attachment.</param>
    /// <param name="publish">As in ADD.</param>
    /// <param name="withdraw">By host port and protocol, and by host address if it names one; the container's port does not count.</param>
    /// <returns>Everything that is published now.</returns>
    /// <exception cref="CniException">
    /// There is no such container (3), a port cannot be published or is not published (7), or somebody has it (11). Nothing was changed.
    /// </exception>
    /// <exception cref="IOException">The kernel or the state directory refused. Nothing was changed, or DEL removes it.</exception>
    public static IReadOnlyList<PublishedPort> Change(
        Host host, INetlinkSockets sockets, AttachmentId id, IReadOnlyList<PortMapping> publish, IReadOnlyList<PortMapping> withdraw)
    {
        // Alone: neither does DEL remove the record meanwhile, nor another change read it.
        using FileLock alone = host.Records.LockExclusive();
        if (PolicyTables.Names.Any(table => HostNotes.Has(host.State, table) && !host.Policy.Tables.HasRules(table)))
        {
            Reconciliation.Repair(host, []);
        }

        using LiveAttachment attachment = LiveAttachment.Open(host, sockets, id);
        AttachmentRecord before = attachment.Record;
        IReadOnlyList<PublishedPort> removed = Withdrawn(before, withdraw);
        List<PublishedPort> kept = [.. before.Ports.Where(port => !removed.Contains(port))];
        PortChoice choice = Added(host, attachment, kept, publish);
        List<PublishedPort> added = [.. choice.Ports.Where(port => !kept.Contains(port))];
        if (removed.Count + added.Count == 0)
        {
            return before.Ports;
        }

        AttachmentRecord after = After(host, attachment, kept, choice with { Ports = added });
        Apply(host, attachment, after, removed, added);
        return after.Ports;
    }

    private static List<PublishedPort> Withdrawn(AttachmentRecord record, IReadOnlyList<PortMapping> withdraw)
    {
        List<PublishedPort> removed = [];
        foreach (PortMapping mapping in withdraw)
        {
            int before = removed.Count;
            removed.AddRange(record.Ports.Where(port => port.HostPort == mapping.HostPort && port.Protocol == mapping.Protocol
                && (mapping.HostAddresses.Count == 0 || mapping.HostAddresses.Contains(port.HostAddress)) && !removed.Contains(port)));
            if (removed.Count == before)
            {
                throw new CniException(
                    CniErrorCode.InvalidConfig, $"host port {mapping.HostPort} is not published by {AttachmentNames.Full(record.Attachment)}, and cannot be withdrawn");
            }
        }

        return removed;
    }

    private static PortChoice Added(Host host, LiveAttachment attachment, List<PublishedPort> kept, IReadOnlyList<PortMapping> publish)
    {
        if (publish.Count > 0 && attachment.Record.Elements.Any(PortElements.IsCondition))
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"ports of {attachment.Comment} are published under conditions, which a new port would lack: run DEL and ADD");
        }

        IReadOnlyList<PortTarget> targets = PortTarget.Resolve(
            publish, [.. attachment.Ips.Select(static ip => ip.Address)], host.Settings.DefaultHostAddresses ?? PublishRequest.LoopbackAddresses,
            host.Loopback.FindIpv6Fault);
        PortChoice choice = Choose(host, targets, attachment.Comment);
        foreach (PublishedPort port in choice.Ports)
        {
            if (!kept.Contains(port) && kept.Find(other => Overlap(port, other)) is PublishedPort own)
            {
                throw AttachmentPolicy.Taken(new PortConflictException(port, $"this container as {own}", byProcess: false));
            }
        }

        return choice;
    }

    private static PortChoice Choose(Host host, IReadOnlyList<PortTarget> targets, string comment)
    {
        try
        {
            return targets.Count == 0 ? PortChoice.None : PortChooser.Choose(host, targets, comment);
        }
        catch (PortConflictException conflict)
        {
            throw AttachmentPolicy.Taken(conflict);
        }
    }

    private static bool Overlap(PublishedPort one, PublishedPort other) => one.HostPort == other.HostPort && one.Protocol == other.Protocol
        && one.HostAddress.AddressFamily == other.HostAddress.AddressFamily
        && (one.OnEveryAddress || other.OnEveryAddress || one.HostAddress.Equals(other.HostAddress));

    /// <summary>The record as it is to be.</summary>
    private static AttachmentRecord After(Host host, LiveAttachment attachment, List<PublishedPort> kept, PortChoice added)
    {
        AttachmentRecord before = attachment.Record;
        PortElements ofAll = new(before.Ports);
        PortElements ofKept = new(kept);
        List<RuleElement> elements = [.. before.Elements.Where(element => !ofAll.Contains(element) || ofKept.Contains(element))];
        HashSet<RuleElement> known = new(elements, SameKey.Instance);
        bool masqueraded = !attachment.IsVeth || before.Elements.Any(PortElements.IsMasqueraded);
        foreach (PublishedPort port in added.Ports)
        {
            elements.AddRange(host.Loopback.ListElements(port, attachment.Comment));
            elements.AddRange(added.Refuse(port, [], attachment.Comment));
            RuleElement hidden = PolicyElements.MasqueradedPort(port, attachment.Comment);
            if (masqueraded && known.Add(hidden))
            {
                elements.Add(hidden);   // two ports of the host may lead to one of the container's
            }
        }

        if (added.Ports.Count > 0 && !attachment.IsShared)
        {
            // ADD has noted it where it published: its subnet, or its address alone.
            HashSet<string> present = [.. elements.Select(static element => element.Set)];
            elements.AddRange(attachment.Networks().Where(element => !present.Contains(element.Set)));
        }

        return before with
        {
            Ports = [.. kept, .. added.Ports],
            Elements = elements,
            Cgroup = before.Ports.Count > 0 ? before.Cgroup : host.Settings.Cgroup,
        };
    }

    /// <summary>A record of both → one transaction → what a port needs beside → the record of what is left.</summary>
    private static void Apply(
        Host host, LiveAttachment attachment, AttachmentRecord after, IReadOnlyList<PublishedPort> removed, IReadOnlyList<PublishedPort> added)
    {
        AttachmentRecord before = attachment.Record;
        List<RuleElement> gone = Without(before.Elements, after.Elements);
        List<RuleElement> come = Without(after.Elements, before.Elements);
        using BridgeState? shared = attachment.IsShared
            ? host.UseBridge(attachment.Way?.Bridge?.Name ?? attachment.Device.Name, before.Attachment.Network)
            : null;
        List<RuleElement> networks = shared is null || added.Count == 0 ? [] : [.. attachment.Networks()];
        shared?.AddElements(networks);
        host.Records.Write(after with { Ports = [.. before.Ports, .. added], Elements = [.. before.Elements, .. come] });
        try
        {
            host.Policy.Change(gone, come, networks, added);
        }
        catch (Exception e) when (e is PortConflictException or IOException)
        {
            host.Records.Write(before);
            throw e is PortConflictException conflict ? AttachmentPolicy.Taken(conflict) : e;
        }

        if (added.Count > 0)
        {
            Forwarding.Enable(host, new AddResult { Ips = attachment.Ips });
            attachment.Way?.LetFramesReturn(host);
        }

        host.ForgetConnections([.. removed, .. added]);
        host.Loopback.Change(before, after);
        if (come.Exists(PolicyElements.IsLoopbackTranslation))
        {
            AttachmentPolicy.AllowLoopback(host, shared, attachment.Device);
        }

        host.Records.Write(after);
    }

    /// <summary>Elements of the one list that the other does not have, or has with other data.</summary>
    private static List<RuleElement> Without(IReadOnlyList<RuleElement> elements, IReadOnlyList<RuleElement> others)
    {
        HashSet<string> known = [.. others.Select(RecordElements.Text)];
        return [.. elements.Where(element => !known.Contains(RecordElements.Text(element)))];
    }
}
