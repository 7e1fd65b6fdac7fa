using CniPlugins.Cni;
using CniPlugins.Linux;

namespace CniPlugins.Attachments;

/// <summary>
/// An attachment while ADD makes it. Its record is written before the kernel is changed and tells, at any moment, everything that may have been
/// made; disposed without <see cref="Commit"/>, everything is undone by the very code that DEL runs.
/// </summary>
public sealed class Attachment : IDisposable
{
    private readonly Host _host;
    private readonly CniRequest _request;
    private readonly IIpam? _ipam;
    private readonly FileLock _inUse;
    private bool _committed;

    private Attachment(Host host, CniRequest request, IIpam? ipam, AttachmentRecord record)
    {
        _host = host;
        _request = request;
        _ipam = ipam;
        _inUse = host.Records.LockShared();
        Record = record;
    }

    /// <summary>What was made so far.</summary>
    public AttachmentRecord Record { get; private set; }

    /// <summary>The attachment.</summary>
    public AttachmentId Id => Record.Attachment;

    /// <summary>What the elements of this attachment say in <c>nft list ruleset</c>.</summary>
    public string Comment => AttachmentNames.Full(Id);

    /// <summary>
    /// Begins an ADD. What an earlier ADD of the same attachment left, by a crash or because the container was restarted under its old name, is
    /// removed first.
    /// </summary>
    /// <exception cref="CniException">The attachment is there and alive, or the interface's name is taken (4).</exception>
    public static Attachment Begin(Host host, Sandbox sandbox, CniRequest request, IIpam? ipam)
    {
        AttachmentId id = request.Attachment;
        NamespaceIdentity identity = sandbox.Namespace.Identity;
        AttachmentRecord? last = host.Records.Find(id);
        bool alive = last is { IsComplete: true } && last.BootId == BootId.Current && last.Namespace == identity;
        bool nameTaken = sandbox.Route.FindLink(id.IfName) is not null;
        if (nameTaken && (last is null || alive))
        {
            throw NameTaken(id, null);
        }

        if (last is not null)
        {
            Detachment.Run(host, id, last, null, () => ipam?.Delete(request));
        }

        Attachment attachment = new(host, request, ipam, new AttachmentRecord { Attachment = id, BootId = BootId.Current, Namespace = identity });
        try
        {
            attachment.Update(attachment.Record);
            return attachment;
        }
        catch
        {
            attachment.Dispose();
            throw;
        }
    }

    /// <summary>The error of an ADD whose interface is there already.</summary>
    internal static CniException NameTaken(AttachmentId id, Exception? cause) => new(
        CniErrorCode.InvalidEnvironment,
        $"CNI_IFNAME \"{id.IfName}\" exists already in the container's namespace: run DEL for it first, or choose another name",
        cause?.Message,
        cause);

    /// <summary>Notes what is about to be made.</summary>
    /// <exception cref="LinuxException">The record cannot be written.</exception>
    public void Update(AttachmentRecord record)
    {
        Record = record;
        _host.Records.Write(record);
    }

    /// <summary>ADD has come to its end: nothing is undone any more. Until here a crashed ADD may simply be run again.</summary>
    /// <exception cref="LinuxException">The record cannot be written.</exception>
    public void Commit()
    {
        Update(Record with { IsComplete = true });
        _committed = true;
    }

    /// <summary>Undoes everything, unless committed.</summary>
    public void Dispose()
    {
        // Released first: undoing takes the same lock for itself alone when it removes what is shared.
        _inUse.Dispose();
        if (_committed)
        {
            return;
        }

        try
        {
            Detachment.Run(_host, Id, Record, null, () => _ipam?.Delete(_request));
        }
        catch (Exception e)
        {
            // The failure that made this necessary is the one to report; the record stays, and the runtime's DEL comes back to the rest.
            _request.Warn($"undoing a failed ADD: {e.Message}");
        }
    }
}
