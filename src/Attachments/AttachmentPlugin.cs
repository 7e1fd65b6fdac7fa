using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Nftables;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// What every driver has in common that gives a container an interface: ADD that is undone when it fails, DEL, GC and STATUS by the record. A driver
/// says how to attach and how to check.
/// </summary>
public abstract class AttachmentPlugin : Plugin
{
    private readonly INetlinkSockets _sockets;

    /// <summary>Talks to the kernel by these sockets.</summary>
    protected AttachmentPlugin(INetlinkSockets sockets) => _sockets = sockets;

    /// <inheritdoc/>
    public sealed override AddResult Add(CniRequest request)
    {
        using Host host = Host.Open(_sockets, request);
        request = Complete(request, host);
        Validate(request, host);
        using Sandbox sandbox = Sandbox.Open(_sockets, request);
        IIpam? ipam = Ipams.Select(request, host.Settings, _sockets);
        using Attachment attachment = Attachment.Begin(host, sandbox, request, ipam);
        try
        {
            AddResult result = Attach(request, host, sandbox, attachment, ipam);
            attachment.Commit();
            return result;
        }
        catch (PortConflictException e)
        {
            throw new CniException(CniErrorCode.TryAgainLater, $"{e.Message}: publish another port, or remove what has it", null, e);
        }
    }

    /// <inheritdoc/>
    public sealed override void Delete(CniRequest request)
    {
        using Host host = Host.Open(_sockets, request);
        request = Complete(request, host);
        AttachmentRecord? record = host.Records.Find(request.Attachment);

        // The namespace is looked into only for what has no record: made by another plugin, or with its record lost.
        using Sandbox? sandbox = record is null ? Sandbox.Find(_sockets, request) : null;
        Detachment.Run(host, request.Attachment, record, sandbox, () => Ipams.Select(request, host.Settings, _sockets)?.Delete(request));
    }

    /// <inheritdoc/>
    public sealed override void Check(CniRequest request)
    {
        using Host host = Host.Open(_sockets, request);
        request = Complete(request, host);
        Validate(request, host);
        using Sandbox sandbox = Sandbox.Open(_sockets, request);
        Ipams.Select(request, host.Settings, _sockets)?.Check(request);
        CheckAttached(request, host, sandbox, host.Records.Find(request.Attachment));
    }

    /// <inheritdoc/>
    public sealed override void Status(CniRequest request)
    {
        using Host host = Host.Open(_sockets, request);
        request = Complete(request, host);
        Validate(request, host);
        try
        {
            ScratchNamespace.Run(() => TryKernel(_sockets));
        }
        catch (IOException e)
        {
            throw new CniException(
                CniErrorCode.PluginNotAvailable, "the kernel cannot do what this network needs: load or build in what the details name", e.Message, e);
        }

        Ipams.Select(request, host.Settings, _sockets)?.Status(request);
    }

    /// <inheritdoc/>
    public sealed override void Gc(CniRequest request)
    {
        using Host host = Host.Open(_sockets, request);
        request = Complete(request, host);
        string network = request.Config.Name;
        HashSet<AttachmentId> valid = [];
        foreach ((string containerId, string ifName) in request.ValidAttachments)
        {
            valid.Add(new AttachmentId(network, containerId, ifName));
        }

        Teardown teardown = new();
        foreach (AttachmentRecord record in host.Records.List(network))
        {
            if (!valid.Contains(record.Attachment))
            {
                teardown.Try($"remove {record.Attachment}", () => Detachment.Run(host, record.Attachment, record, null, static () => { }));
            }
        }

        teardown.Try("remove rules without an attachment", () => RemoveStaleElements(host, network, valid));
        teardown.Try("release addresses without an attachment", () => Ipams.Select(request, host.Settings, _sockets)?.Gc(request));
        teardown.Try("remove what nobody uses any more", () => SharedParts.RemoveIfUnused(host, network));
        teardown.Finish();
    }

    /// <summary>The request with a configuration that leaves nothing to defaults of ours.</summary>
    /// <exception cref="CniException">The configuration is wrong.</exception>
    protected virtual CniRequest Complete(CniRequest request, Host host) => request;

    /// <summary>Checks the whole configuration, before anything is changed.</summary>
    /// <exception cref="CniException">The configuration is wrong.</exception>
    protected abstract void Validate(CniRequest request, Host host);

    /// <summary>ADD, from the lease to the result. Whatever it made is undone when it throws.</summary>
    /// <exception cref="CniException">It cannot be done.</exception>
    protected abstract AddResult Attach(CniRequest request, Host host, Sandbox sandbox, Attachment attachment, IIpam? ipam);

    /// <summary>CHECK: compares what ADD made with what is there.</summary>
    /// <exception cref="CniException">Something differs.</exception>
    protected abstract void CheckAttached(CniRequest request, Host host, Sandbox sandbox, AttachmentRecord? record);

    /// <summary>Tries, in a namespace made for it, whether the kernel has what the driver needs.</summary>
    /// <exception cref="IOException">It has not.</exception>
    protected virtual void TryKernel(INetlinkSockets sockets)
    {
        using PolicyStore policy = new(NftConnection.Open(sockets));
        policy.TryTables();
    }

    private static void RemoveStaleElements(Host host, string network, HashSet<AttachmentId> valid)
    {
        HashSet<string> known = [];
        foreach (AttachmentId id in valid)
        {
            known.Add(NftElement.Shown(AttachmentNames.Full(id))!);
        }

        string prefix = network + "/";
        IReadOnlyList<RuleElement> stale = host.Policy.ListOwned(
            comment => comment.StartsWith(prefix, StringComparison.Ordinal) && !known.Contains(comment));
        if (stale.Count > 0)
        {
            host.Policy.Remove(stale);
        }
    }
}
