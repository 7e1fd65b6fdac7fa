using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route.Kinds;

namespace CniPlugins.Plugins.Dummy;

/// <summary>The CNI type <c>dummy</c>: an interface with addresses that leads nowhere.</summary>
public sealed class DummyPlugin : AttachmentPlugin<DummyConfig>
{
    private static readonly DummyKind s_kind = new();

    /// <summary>Talks to the kernel by these sockets.</summary>
    public DummyPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "dummy";

    /// <inheritdoc/>
    protected override DummyConfig Read(CniRequest request, Host host) => DummyConfig.Read(request);

    /// <summary>Lease → interface → addresses and routes → result. Nobody is there who could have the same address.</summary>
    protected override AddResult Attach(DummyConfig config, Attachment attachment)
    {
        AddResult lease = attachment.TakeLease();
        return SubInterface.Configure(attachment, SubInterface.Add(attachment, master: null, s_kind, mac: null), lease, DuplicateDetection.None);
    }

    /// <inheritdoc/>
    protected override void CheckAttached(DummyConfig config, Inspection inspection) => SubInterface.Check(inspection, s_kind.Kind, master: null);

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets) => SubInterface.TryKernel(sockets, s_kind, hangs: false);
}
