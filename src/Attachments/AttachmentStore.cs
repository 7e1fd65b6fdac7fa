using System.Text;
using CniPlugins.Cni;
using CniPlugins.Linux;

namespace CniPlugins.Attachments;

/// <summary>
/// The records below the state directory: <c>attachments/NETWORK/CONTAINER:IFNAME.json</c>, and beside it <c>CONTAINER:IFNAME:PART.json</c> for what
/// a chained plugin did. A network's directory is there exactly as long as the network has attachments, so that "is this the last one" costs one
/// rmdir, whatever their number.
/// </summary>
internal sealed class AttachmentStore : IDisposable
{
    private const string Suffix = ".json";
    private const int LargestRecord = 64 << 20;
    private const int LongestName = 240;   // leaves room for the suffixes within NAME_MAX

    private readonly StateDirectory _root;
    private readonly StateDirectory _networks;

    private AttachmentStore(StateDirectory root)
    {
        _root = root;
        _networks = root.EnsureDirectory("attachments", 0x1C0 /* 0700 */);
    }

    /// <summary>Opens the store, which is made if it is not there.</summary>
    /// <exception cref="LinuxException">It cannot be made or opened.</exception>
    public static AttachmentStore Ensure(StateDirectory root) => new(root);

    /// <summary>ADD holds this while it makes what attachments share (bridge, table), so that nobody takes it for unused.</summary>
    /// <exception cref="LinuxException">The file cannot be opened or locked.</exception>
    public FileLock LockShared() => _root.LockShared("lock");

    /// <summary>Held while what is shared is removed.</summary>
    /// <exception cref="LinuxException">The file cannot be opened or locked.</exception>
    public FileLock LockExclusive() => _root.Lock("lock");

    /// <summary>The attachment's record; null when there is none. One that cannot be read gives one with the identity alone.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public AttachmentRecord? Find(AttachmentId attachment, string? part)
    {
        using StateDirectory? network = _networks.FindDirectory(attachment.Network);
        return network is null || Read(network, FileName(attachment, part), out _) is not byte[] text
            ? null
            : RecordText.TryReadRecord(text) is AttachmentRecord record && record.Attachment == attachment && record.Part == part
                ? record with { Elements = [.. record.Elements.Where(element => element.Element.Comment == AttachmentNames.Full(attachment))] }
                : new AttachmentRecord { Attachment = attachment, Part = part, BootId = BootId.Current };
    }

    /// <summary>Writes the record in one step: a reader sees the old one or the new one.</summary>
    /// <exception cref="LinuxException">It cannot be written.</exception>
    public void Write(AttachmentRecord record)
    {
        using StateDirectory network = _networks.EnsureDirectory(record.Attachment.Network, 0x1C0 /* 0700 */);
        using StateFile file = StateFile.Replace(network, FileName(record.Attachment, record.Part), RecordText.Write(record));
    }

    /// <summary>Removes the record; none is success.</summary>
    /// <exception cref="LinuxException">It may not be removed.</exception>
    public void Delete(AttachmentId attachment, string? part)
    {
        using StateDirectory? network = _networks.FindDirectory(attachment.Network);
        network?.TryDelete(FileName(attachment, part));
        network?.TryDelete(StateFile.AsidePrefix + FileName(attachment, part));   // of a write that a crash cut off
    }

    /// <summary>The attachments of a network, as the driver (null) or a chained plugin noted them.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public IReadOnlyList<AttachmentRecord> List(string networkName, string? part)
    {
        List<AttachmentRecord> records = [];
        using StateDirectory? network = _networks.FindDirectory(networkName);
        if (network is null)
        {
            return records;
        }

        foreach (string name in network.ListNames())
        {
            if (name.EndsWith(Suffix, StringComparison.Ordinal) && Read(network, name, out _) is byte[] text
                && (RecordText.TryReadRecord(text) ?? FromName(networkName, name)) is AttachmentRecord record
                && record.Attachment.Network == networkName && record.Part == part)
            {
                records.Add(record);
            }
        }

        return records;
    }

    /// <summary>Every record of the host, of drivers and chained plugins, with the time it was written. What is no record is named by its path.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public IReadOnlyList<(AttachmentRecord Record, long Written)> ListAll(List<string> unreadable)
    {
        List<(AttachmentRecord, long)> records = [];
        foreach (string networkName in _networks.ListNames())
        {
            if (_networks.FindStatus(networkName) is not { Kind: FileKind.Directory })
            {
                unreadable.Add($"{networkName} in {_networks.Path} is no network's directory");
                continue;
            }

            using StateDirectory? network = _networks.FindDirectory(networkName);
            foreach (string name in network?.ListNames() ?? [])
            {
                if (name.StartsWith(StateFile.AsidePrefix, StringComparison.Ordinal))
                {
                    continue;   // a write that a crash cut off: its record is the one without the prefix
                }

                if (Read(network!, name, out FileStatus status) is byte[] text && RecordText.TryReadRecord(text) is AttachmentRecord record
                    && record.Attachment.Network == networkName && FileName(record.Attachment, record.Part) == name)
                {
                    records.Add((record, status.Modified));
                }
                else
                {
                    unreadable.Add($"{name} in {network!.Path} is no record of an attachment");
                }
            }
        }

        return records;
    }

    /// <summary>Removes the network's directory if it has no attachment left: true when there is none now.</summary>
    /// <exception cref="LinuxException">It may not be removed.</exception>
    public bool TryDeleteNetwork(string networkName)
    {
        if (_networks.TryDeleteDirectory(networkName))
        {
            return true;
        }

        using StateDirectory? network = _networks.FindDirectory(networkName);
        return network is null;
    }

    /// <summary>Whether the network seems to have no attachment: a look without a lock, to spare it.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public bool MayHaveNone(string networkName)
    {
        using StateDirectory? network = _networks.FindDirectory(networkName);
        return network is null || !network.List().Read();
    }

    /// <summary>Whether no network has an attachment. The caller holds the lock alone: a directory that is empty now was left by a crash.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public bool HasNone() => _networks.ListNames().TrueForAll(TryDeleteNetwork);

    /// <inheritdoc/>
    public void Dispose() => _networks.Dispose();

    // Neither a container's id nor an interface's name may hold a colon, and an id no tilde.
    private static string FileName(AttachmentId attachment, string? part)
    {
        string name = $"{attachment.ContainerId}:{attachment.IfName}{(part is null ? string.Empty : $":{part}")}";
        return (Encoding.UTF8.GetByteCount(name) <= LongestName
            ? name
            : $"{attachment.ContainerId[..64]}~{AttachmentNames.Hash(attachment.ContainerId)}{name[attachment.ContainerId.Length..]}") + Suffix;
    }

    /// <summary>What a file's name tells of a record that cannot be read; null for what is none of ours.</summary>
    private static AttachmentRecord? FromName(string network, string fileName)
    {
        if (fileName.StartsWith(StateFile.AsidePrefix, StringComparison.Ordinal))
        {
            fileName = fileName[StateFile.AsidePrefix.Length..];
        }

        string[] names = fileName[..^Suffix.Length].Split(':');
        return names.Length is 2 or 3 && CniNames.IsContainerId(names[0])
            ? new AttachmentRecord
            {
                Attachment = new AttachmentId(network, names[0], names[1]),
                Part = names.Length == 3 ? names[2] : null,
                BootId = BootId.Current,
            }
            : null;
    }

    private static byte[]? Read(StateDirectory directory, string name, out FileStatus status)
    {
        if (directory.FindStatus(name) is not FileStatus found || found.Size > LargestRecord)
        {
            status = default;
            return null;
        }

        byte[] text = new byte[(int)found.Size];
        return directory.FindContent(name, text, out status) is int length ? text[..length] : null;
    }
}
