using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// What <c>"hostAccess": true</c> asks for where containers hang on an interface of the host: they and the host reach each other, and ports can be
/// published.
/// </summary>
public sealed class HostAccess
{
    private readonly Attachment _attachment;
    private readonly AddResult _lease;
    private readonly AttachmentPolicy _policy;

    private HostAccess(Attachment attachment, AddResult lease, AttachmentPolicy policy)
    {
        _attachment = attachment;
        _lease = lease;
        _policy = policy;
    }

    /// <summary>Decides what is needed, and refuses ports that cannot be had.</summary>
    /// <exception cref="CniException">A port cannot be published (7), or somebody has it (11).</exception>
    public static HostAccess Plan(Attachment attachment, AddResult lease, PublishRequest publish)
    {
        AttachmentPolicy policy = AttachmentPolicy.Plan(attachment, [.. lease.Ips.Select(static ip => ip.Address)], masquerade: false, publish);

        // The container has a way to a client on its own link that is not the way the client came: it must see the host.
        policy.AddForPorts(port => [PolicyElements.MasqueradedPort(port, attachment.Comment)]);
        return new HostAccess(attachment, lease, policy);
    }

    /// <summary>Makes the host a station beside the container, and publishes.</summary>
    /// <param name="master">What the container hangs on.</param>
    /// <param name="kind">As the container's interface is.</param>
    /// <param name="container">The container's interface, with its addresses.</param>
    /// <exception cref="CniException">It cannot be done.</exception>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Open(MasterRequest master, ILinkKind kind, Link container)
    {
        Host host = _attachment.Host;
        string name = AttachmentNames.Shim(_attachment.Id.Network);
        using BridgeState shared = host.UseBridge(name, _attachment.Id.Network);
        _attachment.Update(_policy.Noted(_attachment.Record with { Device = name, Addresses = [.. _lease.Ips.Select(static ip => ip.Address)] }));
        Link shim = HostShim.Ensure(_attachment, shared, master.Get(host, _attachment.Sandbox), kind);
        HostShim.Connect(_attachment, shim, container, _lease);
        if (_policy.Ports.Count > 0)
        {
            Forwarding.Enable(host, _lease);
        }

        _policy.Apply(shared, shim);
    }

    /// <summary>CHECK: the host has its way to the container, and the ports are in place.</summary>
    /// <exception cref="CniException">Something differs (100).</exception>
    public static void Check(Inspection inspection)
    {
        if (inspection.Record?.Device is not string device)
        {
            return;   // made before hostAccess was set
        }

        RouteConnection route = inspection.Host.Route;
        Link shim = route.FindLink(device) is { IsUp: true } found ? found : throw PrevResultCheck.Differs($"the host's interface {device} is gone or down");
        foreach (ResultIp ip in inspection.Result.AddressesOf(inspection.IfName))
        {
            if (route.FindOutput(ip.Address)?.Index != shim.Index)
            {
                throw PrevResultCheck.Differs($"the host's route to {ip.Address} is gone or another");
            }
        }

        AttachmentPolicy.Check(inspection, [], device);
    }

    /// <summary>DEL: takes the host's routes to the container back; ports are gone by then, and the host's interface goes with the network's last container.</summary>
    public static void Close(Removal removal) => HostShim.Disconnect(removal);
}
