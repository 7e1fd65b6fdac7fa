using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;

namespace CniPlugins.Plugins.HostLocal;

/// <summary>
/// The <c>host-local</c> IPAM plugin as an executable, for drivers that are not ours: they call it with the whole of their own standard
/// input. Our drivers use the same <see cref="HostLocalIpam"/> in their own process.
/// </summary>
public sealed class HostLocalPlugin : Plugin
{
    private readonly INetlinkSockets _sockets;

    /// <summary>Talks to the kernel by these sockets, when a subnet is to be chosen that the host does not use.</summary>
    public HostLocalPlugin(INetlinkSockets sockets) => _sockets = sockets;

    /// <inheritdoc/>
    public override string Type => HostLocalIpam.Type;

    /// <summary>The leases alone tell whether a container has one; the reference asks for no more either.</summary>
    public override bool CheckNeedsPrevResult => false;

    /// <inheritdoc/>
    public override AddResult Add(CniRequest request)
    {
        request.Args.RequireKnown("IP");
        return Ipam(request).Add(request);
    }

    /// <summary>DEL. Unknown keys in CNI_ARGS keep no address from being given back.</summary>
    public override void Delete(CniRequest request) => Ipam(request).Delete(request);

    /// <inheritdoc/>
    public override void Check(CniRequest request)
    {
        request.Args.RequireKnown("IP");
        Ipam(request).Check(request);
    }

    /// <inheritdoc/>
    public override void Status(CniRequest request) => Ipam(request).Status(request);

    /// <inheritdoc/>
    public override void Gc(CniRequest request) => Ipam(request).Gc(request);

    private HostLocalIpam Ipam(CniRequest request) => new(HostSettings.Load(request), _sockets);
}
