using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Publishing.ReferenceRules;

namespace CniPlugins.Attachments;

/// <summary>
/// A plugin whose every ADD leaves a record of what it made: DEL, GC and the undoing of a failed ADD work from that. It is the base of those that give a
/// container an interface, and of those that follow them in a list.
/// </summary>
public abstract class RecordedPlugin : Plugin
{
    /// <summary>Talks to the kernel by these sockets.</summary>
    private protected RecordedPlugin(INetlinkSockets sockets) => Sockets = sockets;

    private protected INetlinkSockets Sockets { get; }

    /// <summary>Which part of the attachment's records is this plugin's; null: the driver's.</summary>
    private protected abstract string? Part { get; }

    /// <summary>What the reference plugin of this name may have left in nftables.</summary>
    protected virtual ReferenceParts LeftByReference => ReferenceParts.None;

    /// <inheritdoc/>
    public sealed override void Delete(CniRequest request)
    {
        using Host host = Host.Open(Sockets, request);
        request = Complete(request, host);
        Undo(request, host, host.Records.Find(request.Attachment, Part));
    }

    /// <inheritdoc/>
    public sealed override void Gc(CniRequest request)
    {
        using Host host = Host.Open(Sockets, request);
        request = Complete(request, host);
        string network = request.Config.Name;
        HashSet<AttachmentId> valid = [];
        foreach ((string containerId, string ifName) in request.ValidAttachments)
        {
            valid.Add(new AttachmentId(network, containerId, ifName));
        }

        Teardown teardown = new();
        foreach (AttachmentRecord record in host.Records.List(network, Part))
        {
            if (!valid.Contains(record.Attachment))
            {
                teardown.Try(
                    $"remove {record.Attachment}",
                    () => Undo(new Removal(host, Sockets, request.Config, record.Attachment, record, null), static () => { }));
            }
        }

        teardown.Try("remove rules without an attachment", () => StaleElements.Remove(host, network, valid));
        if (LeftByReference != ReferenceParts.None)
        {
            teardown.Try("remove the reference plugins' rules without an attachment", () => ReferenceLeftovers.RemoveStale(host, network, valid));
        }

        teardown.Try("release what has no attachment", () => ReleaseStale(request, host));
        teardown.Try("remove what nobody uses any more", () => SharedParts.RemoveIfUnused(host, network));
        teardown.Finish();
    }

    /// <summary>The request with a configuration that leaves nothing to defaults of ours.</summary>
    /// <exception cref="CniException">The configuration is wrong.</exception>
    protected virtual CniRequest Complete(CniRequest request, Host host) => request;

    /// <summary>Takes back what ADD did, in the reverse order; absence is success. Elements and ports in the record are gone by then.</summary>
    protected virtual void Remove(Removal removal)
    {
    }

    /// <summary>Gives back what the plugin holds outside of the kernel for the attachment.</summary>
    private protected virtual void Release(CniRequest request, Host host)
    {
    }

    /// <summary>GC: gives back what it holds outside of the kernel for no valid attachment.</summary>
    private protected virtual void ReleaseStale(CniRequest request, Host host)
    {
    }

    /// <summary>Whether what the configuration asks for is done by the tables that all attachments share.</summary>
    protected virtual bool NeedsTables(CniRequest request) => false;

    /// <summary>Tries, in a namespace made for it, whether the kernel has what the plugin needs.</summary>
    /// <exception cref="IOException">It has not.</exception>
    protected virtual void TryKernel(INetlinkSockets sockets)
    {
    }

    /// <summary>Removes what the record tells of; null: what can be found without one.</summary>
    private protected void Undo(CniRequest request, Host host, AttachmentRecord? record)
    {
        Removal removal = new(host, Sockets, request.Config, request.Attachment, record, request.NetnsPath);
        if (record is null && LeftByReference != ReferenceParts.None)
        {
            removal.Steps.Try("remove the reference plugins' rules", () => ReferenceLeftovers.Remove(removal, LeftByReference));
        }

        Undo(removal, () => Release(request, host));
    }

    /// <summary>STATUS: the kernel has what the plugin needs, and the host's tables are as ADD made them.</summary>
    private protected void RequireReady(CniRequest request, Host host)
    {
        RequireKernel();
        if (NeedsTables(request))
        {
            Reconciliation.RequireTables(host);
            request.Warn(host.Loopback.FindFault() is string fault
                ? $"ports on 127.0.0.1 are served by translation of packets, and none on [::1]: {fault}"
                : "ports on 127.0.0.1 and [::1] are served at the socket");
        }
    }

    private void RequireKernel()
    {
        try
        {
            ScratchNamespace.Run(() => TryKernel(Sockets));
        }
        catch (IOException e)
        {
            throw new CniException(
                CniErrorCode.PluginNotAvailable, "the kernel cannot do what this network needs: load or build in what the details name", e.Message, e);
        }
    }

    private void Undo(Removal removal, Action release)
    {
        using (removal)
        {
            Detachment.Run(removal, Part, Remove, release);
        }
    }
}
