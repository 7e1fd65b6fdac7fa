using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;

namespace CniPlugins.Attachments;

/// <summary>The removal of an attachment, or of a plugin's part in it: what is known, and where to work.</summary>
public sealed class Removal : IDisposable
{
    private readonly INetlinkSockets _sockets;
    private readonly string? _namespacePath;
    private Sandbox? _sandbox;
    private bool _looked;

    internal Removal(Host host, INetlinkSockets sockets, NetworkConfig config, AttachmentId id, AttachmentRecord? record, string? namespacePath)
    {
        Host = host;
        Config = config;
        Id = id;
        Record = record;
        _sockets = sockets;
        _namespacePath = namespacePath;
    }

    /// <summary>The host.</summary>
    public Host Host { get; }

    /// <summary>The network's configuration as it is now, which may be another than ADD had.</summary>
    public NetworkConfig Config { get; }

    /// <summary>The attachment.</summary>
    public AttachmentId Id { get; }

    /// <summary>What is known of it; null: nothing, another plugin made it, or it was removed already.</summary>
    public AttachmentRecord? Record { get; }

    /// <summary>Runs the steps, each in spite of the others.</summary>
    public Teardown Steps { get; } = new();

    /// <summary>
    /// The container's namespace, opened when it is first asked for; null when it is gone. With a record only the very namespace that ADD worked in: a path
    /// may lead to another by now.
    /// </summary>
    public Sandbox? Sandbox
    {
        get
        {
            if (!_looked)
            {
                _looked = true;
                _sandbox = Open(_namespacePath) ?? (Record?.NamespacePath == _namespacePath ? null : Open(Record?.NamespacePath));
            }

            return _sandbox;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _sandbox?.Dispose();

    private Sandbox? Open(string? path)
    {
        if (path is null || NetworkNamespace.Find(path) is not NetworkNamespace found)
        {
            return null;
        }

        // An attachment without a record was made by another plugin, and the runtime's word is all that is known. A record that was cut short
        // tells nothing of the namespace either.
        bool isKnown = Record is { Namespace.Inode: not 0 };
        if (found.IsCurrent || (isKnown && found.Identity != Record!.Namespace))
        {
            found.Dispose();
            return null;
        }

        return Sandbox.Open(_sockets, found);
    }
}
