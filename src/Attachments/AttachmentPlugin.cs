using CniPlugins.Cni;
using CniPlugins.Netlink;

namespace CniPlugins.Attachments;

/// <summary>
/// What every driver has in common that gives a container an interface: ADD that is undone when it fails, DEL, GC and STATUS by the record. A driver
/// reads its configuration, and says how to attach and how to check.
/// </summary>
/// <typeparam name="TConfig">The driver's configuration; an object of this type is valid.</typeparam>
public abstract class AttachmentPlugin<TConfig> : RecordedPlugin
    where TConfig : class
{
    /// <summary>Talks to the kernel by these sockets.</summary>
    protected AttachmentPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    private protected override string? Part => null;

    /// <inheritdoc/>
    public sealed override AddResult Add(CniRequest request)
    {
        using Host host = Host.Open(Sockets, request);
        request = Complete(request, host);
        TConfig config = Read(request, host);
        using Sandbox sandbox = Sandbox.Open(Sockets, request);
        IIpam? ipam = Ipams.Select(request, host.Settings, Sockets);
        using Attachment attachment = Attachment.Begin(host, sandbox, request, ipam, record => Undo(request, host, record));
        AddResult result = Attach(config, attachment);
        attachment.Commit();
        return attachment.Tell(result);
    }

    /// <inheritdoc/>
    public sealed override void Check(CniRequest request)
    {
        using Host host = Host.Open(Sockets, request);
        request = Complete(request, host);
        TConfig config = Read(request, host);
        using Sandbox sandbox = Sandbox.Open(Sockets, request);
        Ipams.Select(request, host.Settings, Sockets)?.Check(request);
        AttachmentRecord? record = host.Records.Find(request.Attachment, Part);
        CheckAttached(config, new Inspection(request, host, sandbox, record, request.Config.PrevResult!));
    }

    /// <inheritdoc/>
    public sealed override void Status(CniRequest request)
    {
        using Host host = Host.Open(Sockets, request);
        request = Complete(request, host);
        Read(request, host);
        RequireReady(request, host);
        Ipams.Select(request, host.Settings, Sockets)?.Status(request);
    }

    /// <summary>Reads and checks the whole configuration, before anything is changed.</summary>
    /// <exception cref="CniException">The configuration is wrong.</exception>
    protected abstract TConfig Read(CniRequest request, Host host);

    /// <summary>ADD, from the lease to the result. Whatever it made is undone when it throws.</summary>
    /// <exception cref="CniException">It cannot be done.</exception>
    protected abstract AddResult Attach(TConfig config, Attachment attachment);

    /// <summary>CHECK: compares what ADD made with what is there.</summary>
    /// <exception cref="CniException">Something differs.</exception>
    protected abstract void CheckAttached(TConfig config, Inspection inspection);

    /// <inheritdoc/>
    protected override void Remove(Removal removal) => removal.Steps.Try("delete its link", () => ContainerLink.Remove(removal));

    private protected override void Release(CniRequest request, Host host) => Ipams.Select(request, host.Settings, Sockets)?.Delete(request);

    private protected override void ReleaseStale(CniRequest request, Host host) => Ipams.Select(request, host.Settings, Sockets)?.Gc(request);
}
