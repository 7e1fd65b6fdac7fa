using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Plugins.Loopback;

/// <summary>
/// Brings a container's <c>lo</c> up, as containerd asks for it beside every network. CNI_IFNAME is ignored, as by the reference.
/// </summary>
public sealed class LoopbackPlugin : Plugin
{
    private readonly INetlinkSockets _sockets;

    /// <summary>Takes the way to the kernel.</summary>
    public LoopbackPlugin(INetlinkSockets sockets) => _sockets = sockets;

    /// <inheritdoc/>
    public override string Type => "loopback";

    /// <summary>What is asked is whether lo is up: no earlier result is needed for that.</summary>
    public override bool CheckNeedsPrevResult => false;

    /// <summary>ADD: up. In a list, the result of the plugins before is the answer.</summary>
    public override AddResult Add(CniRequest request)
    {
        using Sandbox sandbox = Sandbox.Open(_sockets, request);
        AddResult own = LoopbackInterface.Ensure(sandbox);
        return request.Config.PrevResult ?? own;
    }

    /// <summary>DEL: down. A namespace that is gone has taken its lo along.</summary>
    public override void Delete(CniRequest request)
    {
        using Sandbox? sandbox = Sandbox.Find(_sockets, request);

        // CNI_NETNS_OVERRIDE lets the caller's own namespace through to here; its lo is the host's, and DEL never takes that down.
        if (sandbox is { Namespace.IsCurrent: false })
        {
            sandbox.Route.SetDown(InterfaceIndex.Loopback);
        }
    }

    /// <inheritdoc/>
    public override void Check(CniRequest request)
    {
        using Sandbox sandbox = Sandbox.Open(_sockets, request);
        LoopbackInterface.RequireUp(sandbox);
    }
}
