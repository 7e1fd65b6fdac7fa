using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Macvlan;

/// <summary>The CNI type <c>macvlan</c>: a container is a station of its own on the master's link.</summary>
public sealed class MacvlanPlugin : AttachmentPlugin<MacvlanConfig>
{
    private static readonly MacvlanKind s_bridge = new() { Mode = MACVLAN_MODE.BRIDGE };

    /// <summary>Talks to the kernel by these sockets.</summary>
    public MacvlanPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "macvlan";

    /// <inheritdoc/>
    protected override MacvlanConfig Read(CniRequest request, Host host) => MacvlanConfig.Read(request, host.Settings);

    /// <summary>Lease → interface → addresses and routes → the host's access, with published ports → result.</summary>
    protected override AddResult Attach(MacvlanConfig config, Attachment attachment)
    {
        AddResult lease = attachment.TakeLease();
        HostAccess? access = config.HostAccess ? HostAccess.Plan(attachment, lease, config.Publish) : null;
        Link link = SubInterface.Add(attachment, config.Master, config.Kind, config.Mac);
        AddResult result = SubInterface.Configure(attachment, link, lease, config.Detection);
        access?.Open(config.Master, s_bridge, link);
        return result;
    }

    /// <inheritdoc/>
    protected override void CheckAttached(MacvlanConfig config, Inspection inspection)
    {
        Link link = SubInterface.Check(inspection, config.Kind.Kind, config.Master);
        if (link.Settings is MacvlanKind kind && kind.Mode != config.Kind.Mode)
        {
            throw PrevResultCheck.Differs($"{link.Name} in the container has the mode {kind.Mode}, not {config.Kind.Mode}".ToLowerInvariant());
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
    protected override void TryKernel(INetlinkSockets sockets) => SubInterface.TryKernel(sockets, s_bridge, hangs: true);
}
