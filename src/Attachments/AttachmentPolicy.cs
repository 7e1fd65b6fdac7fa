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
    private readonly IReadOnlyList<PublishedPort> _ports;
    private readonly List<RuleElement> _own;
    private readonly List<RuleElement> _shared = [];

    private AttachmentPolicy(IReadOnlyList<PublishedPort> ports, List<RuleElement> own)
    {
        _ports = ports;
        _own = own;
    }

    /// <summary>What is published.</summary>
    public IReadOnlyList<PublishedPort> Ports => _ports;

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
        IReadOnlyList<PublishedPort> ports = PortMapping.Resolve(publish.Ports, addresses, publish.DefaultHostAddresses);
        if (ports.Count > 0 && (host.Policy.FindOverlap(ports, host.ListAddresses) ?? ListenerProbe.Find(ports)) is PortConflictException conflict)
        {
            throw Taken(conflict);
        }

        List<RuleElement> own = [];
        if (masquerade)
        {
            own.AddRange(addresses.Select(address => PolicyElements.Masqueraded(address, attachment.Comment)));
        }

        foreach (PublishedPort port in ports)
        {
            own.Add(PolicyElements.Published(port, attachment.Comment));
            own.AddRange(publish.FindConditions(port)?.Refuse(port, attachment.Comment) ?? []);
        }

        return new AttachmentPolicy(ports, own);
    }

    /// <summary>The subnet of an address lives on a device: what goes from the one to the other stays within its network.</summary>
    /// <param name="ip">The address.</param>
    /// <param name="device">The device.</param>
    /// <param name="owner">The attachment's comment where the device is its alone: a record answers for no other elements. Null: shared.</param>
    public static RuleElement Network(ResultIp ip, string device, string? owner = null) =>
        PolicyElements.Network(new IPNetwork(new IpPrefix(ip.Address, ip.PrefixLength).Network.Address, ip.PrefixLength), device, owner);

    /// <summary>Elements of this attachment alone.</summary>
    public void AddOwn(IEnumerable<RuleElement> elements)
    {
        foreach (RuleElement element in elements)
        {
            // Two ports of the host may lead to one of the container's.
            if (!_own.Exists(each => each.Set == element.Set && each.Element.Key.AsSpan().SequenceEqual(element.Element.Key)))
            {
                _own.Add(element);
            }
        }
    }

    /// <summary>Elements that other attachments on the same device want as well.</summary>
    public void AddShared(IEnumerable<RuleElement> elements) => _shared.AddRange(elements);

    /// <summary>The record with everything that <see cref="Apply"/> is about to make.</summary>
    public AttachmentRecord Noted(AttachmentRecord record) => record with { Ports = _ports, Elements = _own };

    /// <summary>Puts it into the kernel by one transaction.</summary>
    /// <param name="host">The host.</param>
    /// <param name="shared">Notes of what attachments on the device share; null: the device is this attachment's alone, and shares nothing.</param>
    /// <param name="device">The host's interface towards the container.</param>
    /// <exception cref="CniException">Somebody took a port since <see cref="Plan"/>, or the rules were tampered with (11).</exception>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void Apply(Host host, BridgeState? shared, Link device)
    {
        shared?.AddElements(_shared);
        try
        {
            host.Policy.Add(_own, _shared, _ports);
        }
        catch (PortConflictException conflict)
        {
            throw Taken(conflict);
        }

        if (_ports.Count > 0 && !host.Policy.RulesInPlace(_own))
        {
            // Somebody flushed the rules and left the sets: a port would seem published, and route_localnet be without its guard.
            throw new CniException(
                CniErrorCode.TryAgainLater,
                "the rules of the nftables table \"inet cni_plugins\" were removed or changed: run \"nft delete table inet cni_plugins\", then DEL and ADD for the containers with published ports");
        }

        host.ForgetConnections(_ports);

        // Only now: the guard against what others send to 127.0.0.1 stands.
        if (NeedRouteLocalnet(_ports))
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
            !NeedRouteLocalnet(record.Ports) || Sysctl.Find($"net/ipv4/conf/{device}/route_localnet") == "1",
            $"ports on 127.0.0.1 are not reached any more: route_localnet of {device} is not 1");
        List<RuleElement> elements = [.. record.Elements, .. shared];
        if (elements.Count == 0)
        {
            return;
        }

        PolicyStore policy = inspection.Host.Policy;
        Require(policy.RulesInPlace(elements), "the nftables table of the CNI plugins was removed or changed: run DEL and ADD for this container");
        IReadOnlyList<RuleElement> missing = policy.FindMissing(elements);
        Require(missing.Count == 0, $"{missing.Count} of {elements.Count} nftables elements are gone, the first one from set {(missing.Count > 0 ? missing[0].Set : string.Empty)}");
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

    /// <summary>Whether one of the ports is reached by 127.0.0.1, from where the kernel routes nothing to a container unless told so.</summary>
    private static bool NeedRouteLocalnet(IReadOnlyList<PublishedPort> ports) => ports.Any(static port => port.HostAddress.Equals(IPAddress.Any)
        || (port.HostAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork && IPAddress.IsLoopback(port.HostAddress)));

    private static void AllowLoopback(Host host, BridgeState? shared, Link device)
    {
        if (Sysctl.Get($"net/ipv4/conf/{device.Name}/route_localnet") == "0")
        {
            shared?.AddLocalnet(device.Name);
            host.Route.SetRouteLocalnet(device.Index, allowed: true);
        }
    }

    private static CniException Taken(PortConflictException conflict) =>
        new(CniErrorCode.TryAgainLater, $"{conflict.Message}: publish another port, or remove what has it", null, conflict);

    private static void Require(bool holds, string difference)
    {
        if (!holds)
        {
            throw PrevResultCheck.Differs(difference);
        }
    }
}
