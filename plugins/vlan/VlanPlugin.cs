using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;

namespace CniPlugins.Plugins.Vlan;

/// <summary>The CNI type <c>vlan</c>: a container sees the frames of a master that carry one tag.</summary>
public sealed class VlanPlugin : AttachmentPlugin<VlanConfig>
{
    /// <summary>Talks to the kernel by these sockets.</summary>
    public VlanPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "vlan";

    /// <inheritdoc/>
    protected override VlanConfig Read(CniRequest request, Host host) => VlanConfig.Read(request);

    /// <summary>Lease → interface → addresses and routes → result.</summary>
    protected override AddResult Attach(VlanConfig config, Attachment attachment)
    {
        AddResult lease = attachment.TakeLease();
        return SubInterface.Configure(attachment, SubInterface.Add(attachment, config.Master, config.Kind, mac: null), lease, config.Detection);
    }

    /// <inheritdoc/>
    protected override void CheckAttached(VlanConfig config, Inspection inspection)
    {
        Link link = SubInterface.Check(inspection, config.Kind.Kind, config.Master);
        if (link.Settings is VlanKind vlan && vlan.Id != config.Kind.Id)
        {
            throw PrevResultCheck.Differs($"{link.Name} in the container carries VLAN {vlan.Id}, not {config.Kind.Id}");
        }

        if (config.Master.Mtu is int mtu && link.Mtu != mtu)
        {
            throw PrevResultCheck.Differs($"{link.Name} in the container has MTU {link.Mtu}, not {mtu}");
        }
    }

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets) => SubInterface.TryKernel(sockets, new VlanKind(1), hangs: true);
}
