using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// An attachment while ADD makes it. Its record is written before the kernel is changed and tells, at any moment, everything that may have been
/// made; disposed without <see cref="Commit"/>, everything is undone by the very code that DEL runs.
/// </summary>
public sealed class Attachment : IDisposable
{
    private readonly IIpam? _ipam;
    private readonly Action<AttachmentRecord> _undo;
    private readonly StateUse _inUse;
    private IReadOnlyList<PublishedPort> _told = [];
    private bool _committed;

    private Attachment(Host host, Sandbox sandbox, CniRequest request, IIpam? ipam, Action<AttachmentRecord> undo, string? part)
    {
        (Host, Sandbox, Request) = (host, sandbox, request);
        (_ipam, _undo) = (ipam, undo);
        _inUse = StateUse.Begin(host);
        Record = new AttachmentRecord
        {
            Attachment = request.Attachment,
            Part = part,
            BootId = BootId.Current,
            Namespace = sandbox.Namespace.Identity,
            NamespacePath = request.NetnsPath,
        };
    }

    /// <summary>The host.</summary>
    public Host Host { get; }

    /// <summary>The container's namespace.</summary>
    public Sandbox Sandbox { get; }

    /// <summary>The call.</summary>
    public CniRequest Request { get; }

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
    /// <param name="host">The host.</param>
    /// <param name="sandbox">The container's namespace.</param>
    /// <param name="request">The call.</param>
    /// <param name="ipam">Where addresses come from; null: there are none.</param>
    /// <param name="undo">Removes what a record tells of.</param>
    /// <exception cref="CniException">The attachment is there and alive, or the interface's name is taken (4).</exception>
    internal static Attachment Begin(Host host, Sandbox sandbox, CniRequest request, IIpam? ipam, Action<AttachmentRecord> undo)
    {
        AttachmentId id = request.Attachment;
        AttachmentRecord? last = host.Records.Find(id, null);
        bool alive = last is { IsComplete: true } && last.BootId == BootId.Current && last.Namespace == sandbox.Namespace.Identity;
        bool nameTaken = sandbox.Route.FindLink(id.IfName) is not null;
        if (nameTaken && (last is null || alive))
        {
            throw NameTaken(id, null);
        }

        if (last is not null)
        {
            undo(last);
        }

        return Begin(new Attachment(host, sandbox, request, ipam, undo, null));
    }

    /// <summary>Begins a chained plugin's part of an ADD; what an earlier one left is removed first.</summary>
    internal static Attachment BeginPart(string part, Host host, Sandbox sandbox, CniRequest request, Action<AttachmentRecord> undo)
    {
        if (host.Records.Find(request.Attachment, part) is AttachmentRecord last)
        {
            undo(last);
        }

        return Begin(new Attachment(host, sandbox, request, null, undo, part));
    }

    /// <summary>The error of an ADD whose interface is there already.</summary>
    internal static CniException NameTaken(AttachmentId id, Exception? cause) => new(
        CniErrorCode.InvalidEnvironment,
        $"CNI_IFNAME \"{id.IfName}\" exists already in the container's namespace: run DEL for it first, or choose another name",
        cause?.Message,
        cause);

    /// <summary>
    /// Leases the container's addresses; without address management there are none. A dns section of the configuration with anything in it replaces what
    /// address management says.
    /// </summary>
    /// <exception cref="CniException">There is no address to be had.</exception>
    public AddResult TakeLease()
    {
        if (_ipam is null)
        {
            return new AddResult { Dns = Request.Config.Dns ?? new DnsSettings() };
        }

        AddResult lease = _ipam.Add(Request);
        if (lease.Ips.Count == 0)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig,
                $"ipam \"{Request.Config.Ipam!.FindString("type")}\" gave no address: correct its configuration, or remove it");
        }

        return Request.Config.Dns is { IsEmpty: false } dns ? lease with { Dns = dns } : lease;
    }

    /// <summary>Notes what is about to be made.</summary>
    /// <exception cref="LinuxException">The record cannot be written.</exception>
    public void Update(AttachmentRecord record)
    {
        Record = record;
        Host.Records.Write(record);
    }

    /// <summary>ADD has come to its end: nothing is undone any more. Until here a crashed ADD may simply be run again.</summary>
    /// <exception cref="LinuxException">The record cannot be written.</exception>
    public void Commit()
    {
        Update(Record with { IsComplete = true });
        _committed = true;
    }

    /// <summary>The result with the ports that the runtime does not know, since they were chosen here; without any, as it is.</summary>
    internal AddResult Tell(AddResult result) => _told.Count == 0 ? result : result with
    {
        PublishedPorts =
        [
            .. result.PublishedPorts,
            .. _told.Select(static port => new ResultPort(
                port.HostAddress, port.HostPort, port.ContainerAddress, port.ContainerPort, port.Protocol.ToString().ToLowerInvariant())),
        ],
    };

    /// <summary>Notes ports that <see cref="Tell"/> is to say.</summary>
    internal void TellPorts(IReadOnlyList<PublishedPort> ports) => _told = ports;

    private static Attachment Begin(Attachment attachment)
    {
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
            _undo(Record);
        }
        catch (Exception e)
        {
            // The failure that made this necessary is the one to report; the record stays, and the runtime's DEL comes back to the rest.
            Request.Warn($"undoing a failed ADD: {e.Message}");
        }
    }
}
