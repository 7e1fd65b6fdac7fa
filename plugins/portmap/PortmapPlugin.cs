using System.Net;
using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Publishing;
using CniPlugins.Publishing.ReferenceRules;

namespace CniPlugins.Plugins.Portmap;

/// <summary>The CNI type <c>portmap</c>: publishes ports of a container that another plugin has connected.</summary>
public sealed class PortmapPlugin : ChainedPlugin<PortmapConfig>
{
    /// <summary>Talks to the kernel by these sockets.</summary>
    public PortmapPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "portmap";

    /// <inheritdoc/>
    protected override ReferenceParts LeftByReference => ReferenceParts.Ports;

    /// <inheritdoc/>
    protected override PortmapConfig? Read(CniRequest request, Host host) => PortmapConfig.Read(request, host.Settings);

    /// <summary>Which addresses → which ports → noted → published in one transaction.</summary>
    protected override AddResult Apply(PortmapConfig config, Attachment attachment, AddResult previous)
    {
        Host host = attachment.Host;
        IReadOnlyList<ResultIp> ips = previous.AddressesOf(attachment.Id.IfName);
        if (ips.Count == 0)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"ports cannot be published: prevResult has no address of {attachment.Id.IfName} in the container");
        }

        HostWay? way = HostWay.Find(host, attachment.Sandbox, attachment.Id.IfName, ips);
        Link device = way?.Device ?? GetDevice(attachment, ips[0].Address);
        AttachmentPolicy policy = AttachmentPolicy.Plan(
            attachment, [.. ips.Select(static ip => ip.Address)], masquerade: false, config.Publish);
        if (config.MasqueradeAll)
        {
            policy.AddForPorts(port => [PolicyElements.MasqueradedPort(port, attachment.Comment)]);
        }

        // A pair that leads to one container alone goes with it; what hangs on a bridge is shared.
        bool isShared = way is null || way.Bridge is not null;
        using BridgeState? shared = isShared ? host.UseBridge(way?.Bridge?.Name ?? device.Name, attachment.Id.Network) : null;
        if (config.Snat)
        {
            if (isShared)
            {
                policy.AddShared(ips.Select(ip => AttachmentPolicy.Network(ip, device.Name)));
            }
            else
            {
                policy.AddOwn(ips.Select(ip => AttachmentPolicy.Network(Alone(ip), device.Name, attachment.Comment)));
            }
        }

        attachment.Update(policy.Noted(attachment.Record with { Device = device.Name }));
        policy.Apply(shared, device);
        way?.LetFramesReturn(host);
        return previous;
    }

    /// <inheritdoc/>
    protected override void CheckApplied(PortmapConfig config, Inspection inspection) => AttachmentPolicy.Check(inspection, [], inspection.Record?.Device);

    /// <inheritdoc/>
    protected override bool NeedsTables(CniRequest request) => true;

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets) => AttachmentPolicy.TryKernel(sockets);

    /// <summary>The host's interface towards the container, where that is no end of a pair.</summary>
    private static Link GetDevice(Attachment attachment, IPAddress address)
    {
        Link device = attachment.Host.Route.FindOutput(address) ?? throw new CniException(
            CniErrorCode.InvalidConfig, $"ports cannot be published: this host has no route to the container's address {address}");

        // The container's interface hangs on the very one that its address is routed to: the host's own frames never come back up from there.
        Link? container = attachment.Sandbox.Route.FindLink(attachment.Id.IfName);
        if (container is { Kind: "macvlan" or "ipvlan" } && container.Peer == device.Index)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig,
                $"ports cannot be published: this host does not reach a {container.Kind} on its own interface {device.Name}; set \"hostAccess\": true for the {container.Kind}");
        }

        // Anything else is an interface of the host's own, with others behind it: to let 127.0.0.1 be routed there would open the host to them.
        return device.Name == AttachmentNames.Shim(attachment.Id.Network) && BridgeState.IsOurs(device)
            ? device
            : throw new CniException(
                CniErrorCode.InvalidConfig,
                $"ports cannot be published: the container is reached by {device.Name}, which is not its own; connect it by a bridge, ptp, or a macvlan or ipvlan with hostAccess");
    }

    private static ResultIp Alone(ResultIp ip) => ip with { PrefixLength = ip.Address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128 };
}
