using System.Net;
using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Linux;
using CniPlugins.Netlink.Route;
using CniPlugins.Publishing;

namespace CniPlugins.Plugins.Bridge;

/// <summary>What nftables is to do for an attachment: the way out, published ports, isolation, source addresses.</summary>
internal sealed class BridgePolicy
{
    private readonly IReadOnlyList<PublishedPort> _ports;
    private readonly IReadOnlyList<RuleElement> _shared;
    private List<RuleElement> _own;

    private BridgePolicy(IReadOnlyList<PublishedPort> ports, List<RuleElement> own, IReadOnlyList<RuleElement> shared)
    {
        _ports = ports;
        _own = own;
        _shared = shared;
    }

    /// <summary>Decides what is needed, and refuses ports that cannot be had, before any link is made.</summary>
    /// <exception cref="CniException">A port cannot be published (7).</exception>
    /// <exception cref="PortConflictException">Somebody has the port.</exception>
    public static BridgePolicy Plan(BridgeConfig config, Host host, AddResult lease, Attachment attachment)
    {
        IReadOnlyList<PublishedPort> ports = PortMapping.Resolve(config.Ports, [.. lease.Ips.Select(static ip => ip.Address)], config.DefaultHostAddresses);
        if (ports.Count > 0)
        {
            PortConflictException? conflict = host.Policy.FindOverlap(ports, host.ListAddresses)
                ?? ListenerProbe.Find(ports);
            if (conflict is not null)
            {
                throw conflict;
            }
        }

        List<RuleElement> own = [];
        if (config.Masquerade)
        {
            own.AddRange(lease.Ips.Select(ip => PolicyElements.Masqueraded(ip.Address, attachment.Comment)));
        }

        own.AddRange(ports.Select(port => PolicyElements.Published(port, attachment.Comment)));
        return new BridgePolicy(ports, own, Shared(config, lease));
    }

    /// <summary>The elements that every attachment of such a network on the bridge shares; CHECK looks for them too.</summary>
    public static IReadOnlyList<RuleElement> Shared(BridgeConfig config, AddResult lease)
    {
        List<RuleElement> shared = [];
        if (config.Masquerade || config.Ports.Count > 0)
        {
            shared.AddRange(lease.Ips.Select(ip => PolicyElements.Network(Subnet(ip), config.GatewayDevice)));
        }

        if (config.Isolation == Isolation.Full)
        {
            shared.AddRange(PolicyElements.Isolated(config.GatewayDevice));
        }

        return shared;
    }

    /// <summary>The record with everything that ADD is about to make.</summary>
    public AttachmentRecord Complete(AttachmentRecord record, BridgeConfig config, AddResult lease, VethPair veth)
    {
        if (config.SpoofCheck)
        {
            _own = [.. _own, .. SpoofCheck.Elements(veth.Host.Name, veth.Container.Mac!.Value, $"{AttachmentNames.Full(record.Attachment)}")];
        }

        return record with
        {
            Bridge = config.BridgeName,
            Device = config.GatewayDevice,
            Addresses = [.. lease.Ips.Select(static ip => ip.Address)],
            Ports = _ports,
            Elements = _own,
        };
    }

    /// <summary>Puts it into the kernel by one transaction.</summary>
    /// <exception cref="PortConflictException">Somebody took the port since <see cref="Plan"/>.</exception>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void Apply(Host host, BridgeState shared, Link device)
    {
        shared.AddElements(_shared);
        host.Policy.Add(_own, _shared, _ports);
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

    /// <summary>Whether one of the ports is reached by 127.0.0.1, from where the kernel routes nothing to a bridge unless told so.</summary>
    public static bool NeedRouteLocalnet(IReadOnlyList<PublishedPort> ports) => ports.Any(static port => port.HostAddress.Equals(IPAddress.Any)
        || (port.HostAddress.AddressFamily == AddressFamily.InterNetwork && IPAddress.IsLoopback(port.HostAddress)));

    private static void AllowLoopback(Host host, BridgeState shared, Link device)
    {
        if (Sysctl.Get($"net/ipv4/conf/{device.Name}/route_localnet") == "0")
        {
            shared.AddLocalnet(device.Name);
            host.Route.SetRouteLocalnet(device.Index, allowed: true);
        }
    }

    private static IPNetwork Subnet(ResultIp ip) => new(new IpPrefix(ip.Address, ip.PrefixLength).Network.Address, ip.PrefixLength);
}
