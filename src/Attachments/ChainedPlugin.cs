using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Attachments;

/// <summary>
/// A plugin that follows a driver in a list and adds something to the interface that is there. The result so far goes in, and comes out, changed where
/// the plugin changed something.
/// </summary>
/// <typeparam name="TConfig">The plugin's configuration; an object of this type is valid.</typeparam>
public abstract class ChainedPlugin<TConfig> : RecordedPlugin
    where TConfig : class
{
    /// <summary>Talks to the kernel by these sockets.</summary>
    protected ChainedPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    private protected override string? Part => Type;

    /// <inheritdoc/>
    public sealed override AddResult Add(CniRequest request)
    {
        using Host host = Host.Open(Sockets, request);
        AddResult previous = request.Config.PrevResult ?? throw new CniException(
            CniErrorCode.InvalidConfig, $"{Type} needs prevResult: put it behind a plugin that makes an interface in the network's list");
        if (Read(request, host) is not TConfig config)
        {
            return previous;
        }

        using Sandbox sandbox = Sandbox.Open(Sockets, request);
        using Attachment attachment = Attachment.BeginPart(Type, host, sandbox, request, record => Undo(request, host, record));
        AddResult result = Apply(config, attachment, previous);
        attachment.Commit();
        return attachment.Tell(result);
    }

    /// <inheritdoc/>
    public sealed override void Check(CniRequest request)
    {
        using Host host = Host.Open(Sockets, request);
        if (Read(request, host) is not TConfig config)
        {
            return;
        }

        using Sandbox sandbox = Sandbox.Open(Sockets, request);
        AttachmentRecord? record = host.Records.Find(request.Attachment, Part);
        CheckApplied(config, new Inspection(request, host, sandbox, record, request.Config.PrevResult!));
    }

    /// <inheritdoc/>
    public sealed override void Status(CniRequest request)
    {
        using Host host = Host.Open(Sockets, request);
        Read(request, host);
        RequireReady(request, host);
    }

    /// <summary>Reads and checks the whole configuration; null when nothing is asked for.</summary>
    /// <exception cref="CniException">The configuration is wrong.</exception>
    protected abstract TConfig? Read(CniRequest request, Host host);

    /// <summary>ADD: does what is asked for, noting in the record what is to be put back. Whatever it did is undone when it throws.</summary>
    /// <returns>The result so far, with what was changed.</returns>
    /// <exception cref="CniException">It cannot be done.</exception>
    protected abstract AddResult Apply(TConfig config, Attachment attachment, AddResult previous);

    /// <summary>The container's interface, which a plugin before this one has made.</summary>
    /// <exception cref="CniException">There is none of that name (7).</exception>
    protected Link GetInterface(Sandbox sandbox, string ifName) => sandbox.Route.FindLink(ifName) ?? throw new CniException(
        CniErrorCode.InvalidConfig, $"there is no {ifName} in the container: put {Type} behind the plugin that makes it");

    /// <summary>CHECK: compares what ADD did with what is there.</summary>
    /// <exception cref="CniException">Something differs.</exception>
    protected abstract void CheckApplied(TConfig config, Inspection inspection);
}
