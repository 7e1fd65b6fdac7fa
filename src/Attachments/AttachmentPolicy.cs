using System.Net;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Nftables;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// What nftables does for an attachment: the way out, published ports, and what more a plugin asks for. Planned before any link is made, noted before
/// it is applied, applied in one transaction.
/// </summary>
public sealed class AttachmentPolicy
{
    private const int Choices = 8;

    private readonly Attachment _attachment;
    private readonly IReadOnlyList<PortTarget> _targets;
    private readonly List<RuleElement> _own = [];
    private readonly List<RuleElement> _shared = [];
    private readonly List<Func<PublishedPort, IEnumerable<RuleElement>>> _ofPorts = [];
    private PortChoice _choice = PortChoice.None;

    private AttachmentPolicy(Attachment attachment, IReadOnlyList<PortTarget> targets, IReadOnlyList<PublishConditions> conditions)
    {
        _attachment = attachment;
        _targets = targets;
        _ofPorts.Add(port => attachment.Host.Loopback.ListElements(port, attachment.Comment));
        _ofPorts.Add(port => _choice.Refuse(port, conditions, attachment.Comment));
        _choice = Choose();
    }

    /// <summary>What is published. <see cref="Apply"/> chooses again if somebody took a port that was chosen.</summary>
    public IReadOnlyList<PublishedPort> Ports => _choice.Ports;

    /// <summary>Tries, in the caller's namespace, whether the kernel can do it.</summary>
    /// <exception cref="IOException">It cannot.</exception>
    public static void TryKernel(INetlinkSockets sockets)
    {
        using PolicyStore policy = new(NftConnection.Open(sockets));
        policy.TryTables();
    }

    /// <summary>Decides what is needed, and refuses ports that cannot be had.</summary>
    /// <param name="attachment">The attachment.</param>
    /// <param name="addresses">The container's addresses.</param>
    /// <param name="masquerade">Whether the container leaves its network by the host's address.</param>
    /// <param name="publish">What is to be published.</param>
    /// <exception cref="CniException">A port cannot be published (7), or somebody has it (11).</exception>
    public static AttachmentPolicy Plan(
        Attachment attachment, IReadOnlyList<IPAddress> addresses, bool masquerade, PublishRequest publish)
    {
        Host host = attachment.Host;
        RequireContainers(host, addresses);
        AttachmentPolicy policy = new(attachment, PortTarget.Resolve(publish.Ports, addresses, publish.DefaultHostAddresses, host.Loopback.FindIpv6Fault), publish.Conditions);
        if (masquerade)
        {
            policy._own.AddRange(addresses.Select(address => PolicyElements.Masqueraded(address, attachment.Comment)));
        }

        return policy;
    }

    /// <summary>The subnet of an address lives on a device: what goes from the one to the other stays within its network.</summary>
    /// <param name="ip">The address.</param>
    /// <param name="device">The device.</param>
    /// <param name="owner">The attachment's comment where the device is its alone: a record answers for no other elements. Null: shared.</param>
    public static RuleElement Network(ResultIp ip, string device, string? owner = null) =>
        PolicyElements.Network(new IPNetwork(new IpPrefix(ip.Address, ip.PrefixLength).Network.Address, ip.PrefixLength), device, owner);

    /// <summary>Elements of this attachment alone.</summary>
    public void AddOwn(IEnumerable<RuleElement> elements) => _own.AddRange(elements);

    /// <summary>Elements of this attachment alone, for each of its published ports.</summary>
    public void AddForPorts(Func<PublishedPort, IEnumerable<RuleElement>> elements) => _ofPorts.Add(elements);

    /// <summary>Elements that other attachments on the same device want as well.</summary>
    public void AddShared(IEnumerable<RuleElement> elements) => _shared.AddRange(elements);

    /// <summary>The record with everything that <see cref="Apply"/> is about to make.</summary>
    public AttachmentRecord Noted(AttachmentRecord record)
    {
        HashSet<RuleElement> known = new(SameKey.Instance);
        List<RuleElement> elements = [];
        foreach (RuleElement element in _own.Concat(Ports.SelectMany(port => _ofPorts.SelectMany(make => make(port)))))
        {
            // Two ports of the host may lead to one of the container's.
            if (known.Add(element))
            {
                elements.Add(element);
            }
        }

        return record with { Ports = Ports, Elements = elements, Cgroup = Ports.Count > 0 ? _attachment.Host.Settings.Cgroup : null };
    }

    /// <summary>Puts it into the kernel by one transaction.</summary>
    /// <param name="shared">Notes of what attachments on the device share; null: the device is this attachment's alone, and shares nothing.</param>
    /// <param name="device">The host's interface towards the container.</param>
    /// <exception cref="CniException">Somebody took a port since <see cref="Plan"/>, or the rules were tampered with (11).</exception>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void Apply(BridgeState? shared, Link device)
    {
        Host host = _attachment.Host;
        shared?.AddElements(_shared);
        Add(host);
        if (Ports.Count > 0)
        {
            // Somebody may have flushed the rules and left the sets: a port would seem published, and route_localnet be without its guard.
            Reconciliation.RequireRules(host, _attachment.Record.Elements);
        }

        // Of TCP nothing is left to forget: what led to a container was forgotten when its port was withdrawn, and the kernel asks the rules for every SYN.
        host.ForgetConnections([.. LoopbackService.ListTranslated(_attachment.Record).Where(static port => port.Protocol != PortProtocol.Tcp)]);

        host.Loopback.Add(_attachment.Record);

        // Only now: the guard against what others send to 127.0.0.1 stands.
        if (_attachment.Record.Elements.Any(PolicyElements.IsLoopbackTranslation))
        {
            AllowLoopback(host, shared, device);
        }
    }

    /// <summary>CHECK: the attachment's own elements, and the given shared ones, are in place.</summary>
    /// <exception cref="CniException">Something is missing (100).</exception>
    public static void Check(Inspection inspection, IReadOnlyList<RuleElement> shared, string? device)
    {
        // Without a record the reference plugin made it, and its rules are its own.
        if (inspection.Record is not AttachmentRecord record)
        {
            return;
        }

        Require(
            !record.Elements.Any(PolicyElements.IsLoopbackTranslation) || Sysctl.Find($"net/ipv4/conf/{device}/route_localnet") == "1",
            $"ports on 127.0.0.1 are not reached any more: route_localnet of {device} is not 1; {Reconciliation.Advice}");
        IReadOnlyList<PublishedPort> unserved = inspection.Host.Loopback.FindMissing(record);
        Require(unserved.Count == 0, $"{unserved.Count} ports on loopback addresses are not served any more, the first one {(unserved.Count > 0 ? unserved[0] : string.Empty)}; {Reconciliation.Advice}");
        List<RuleElement> elements = [.. record.Elements, .. shared];
        if (elements.Count == 0)
        {
            return;
        }

        PolicyStore policy = inspection.Host.Policy;
        Require(policy.RulesInPlace(elements), $"the nftables table of the CNI plugins was removed or changed: {Reconciliation.Advice}");
        IReadOnlyList<RuleElement> missing = policy.FindMissing(elements);
        Require(missing.Count == 0, $"{missing.Count} of {elements.Count} nftables elements are gone, the first one from set {(missing.Count > 0 ? missing[0].Set : string.Empty)}: {Reconciliation.Advice}");
    }

    /// <summary>What is published, routed or masqueraded must be a container's, and not this host's or everybody's.</summary>
    private static void RequireContainers(Host host, IReadOnlyList<IPAddress> addresses)
    {
        foreach (IPAddress address in addresses)
        {
            byte first = address.GetAddressBytes()[0];
            bool isForMany = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? first is 0 or >= 224 : address.IsIPv6Multicast;
            if (isForMany || IPAddress.IsLoopback(address) || address.Equals(IPAddress.IPv6Any))
            {
                throw new CniException(CniErrorCode.InvalidConfig, $"{address} is no address for a container: correct the ipam section");
            }

            if (host.Route.IsLocal(address))
            {
                throw new CniException(CniErrorCode.InvalidConfig, $"{address} is this host's own address: exclude it in the ipam section");
            }
        }
    }

    internal static void AllowLoopback(Host host, BridgeState? shared, Link device)
    {
        if (Sysctl.Get($"net/ipv4/conf/{device.Name}/route_localnet") == "0")
        {
            shared?.AddLocalnet(device.Name);
            host.Route.SetRouteLocalnet(device.Index, allowed: true);
        }
    }

    private void Add(Host host)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                host.Policy.Add(_attachment.Record.Elements, _shared, Ports);
                _attachment.TellPorts(_targets.Any(static target => target.Mapping.IsChosen) ? Ports : []);
                return;
            }
            catch (PortConflictException conflict)
            {
                if (attempt == Choices || !IsChosen(conflict.Port))
                {
                    throw Taken(conflict);
                }

                _choice = Choose();   // it was free a moment ago
                _attachment.Update(Noted(_attachment.Record));
            }
        }
    }

    private bool IsChosen(PublishedPort port) => !_targets.Any(target => !target.Mapping.IsChosen && target.At(target.Mapping.HostPort).Contains(port));

    private PortChoice Choose()
    {
        try
        {
            return _targets.Count == 0 ? PortChoice.None : PortChooser.Choose(_attachment.Host, _targets);
        }
        catch (PortConflictException conflict)
        {
            throw Taken(conflict);
        }
    }

    internal static CniException Taken(PortConflictException conflict) =>
        new(CniErrorCode.TryAgainLater, $"{conflict.Message}: publish another port, or remove what has it", null, conflict);

    private static void Require(bool holds, string difference)
    {
        if (!holds)
        {
            throw PrevResultCheck.Differs(difference);
        }
    }
}
