using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Ipvlan;

/// <summary>The CNI type <c>ipvlan</c>: a container shares the master's link-layer address, and has addresses of its own.</summary>
public sealed class IpvlanPlugin : AttachmentPlugin<IpvlanConfig>
{
    /// <summary>Talks to the kernel by these sockets.</summary>
    public IpvlanPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "ipvlan";

    /// <inheritdoc/>
    protected override IpvlanConfig Read(CniRequest request, Host host) => IpvlanConfig.Read(request, host.Settings);

    /// <summary>Lease, or the addresses of the plugin before → interface → addresses and routes → the host's access → result.</summary>
    protected override AddResult Attach(IpvlanConfig config, Attachment attachment)
    {
        AddResult lease = config.KeepsAddresses ? attachment.Request.Config.PrevResult! with { Interfaces = [] } : attachment.TakeLease();
        HostAccess? access = config.HostAccess ? HostAccess.Plan(attachment, lease, config.Publish) : null;
        Link link = SubInterface.Add(attachment, config.Master, config.Kind, mac: null);

        // On layer 3 there are no neighbours to ask.
        AddResult result = SubInterface.Configure(
            attachment, link, lease, config.Kind.Mode == IPVLAN_MODE.L2 ? config.Detection : DuplicateDetection.None);
        access?.Open(config.Master, config.Kind, link);
        return result;
    }

    /// <inheritdoc/>
    protected override void CheckAttached(IpvlanConfig config, Inspection inspection)
    {
        Link link = SubInterface.Check(inspection, config.Kind.Kind, config.Master);
        if (link.Settings is IpvlanKind kind && kind != config.Kind)
        {
            throw PrevResultCheck.Differs($"{link.Name} in the container has the mode {kind.Mode} {kind.Flags}, not {config.Kind.Mode} {config.Kind.Flags}".ToLowerInvariant());
        }

        if (config.HostAccess)
        {
            HostAccess.Check(inspection);
        }
    }

    /// <inheritdoc/>
    protected override void Remove(Removal removal)
    {
        HostAccess.Close(removal);
        base.Remove(removal);
    }

    /// <inheritdoc/>
    protected override bool NeedsTables(CniRequest request) => request.Config.Root.FindBool("hostAccess") ?? false;

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets) =>
        SubInterface.TryKernel(sockets, new IpvlanKind(IPVLAN_MODE.L2, IPVLAN_F.BRIDGE), hangs: true);
}
