using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <summary>
/// Links, addresses, routes and neighbours of one network namespace: the one in which its socket was opened, whatever thread uses it.
/// Find* answers null for what is absent, Get* throws, Ensure* accepts what is there already, TryDelete* what is gone already.
/// </summary>
public sealed partial class RouteConnection : NetlinkConnection
{
    private readonly INetlinkSockets _sockets;

    private RouteConnection(INetlinkSockets sockets)
        : base(sockets.Open(NETLINK.ROUTE), RouteAttributeNames.Instance) => _sockets = sockets;

    /// <summary>Opens a connection in the calling thread's namespace.</summary>
    /// <exception cref="LinuxException">No socket to be had.</exception>
    public static RouteConnection Open(INetlinkSockets sockets) => new(sockets);

    /// <summary>Opens a connection in another namespace.</summary>
    /// <exception cref="LinuxException">No socket to be had, or the namespace cannot be entered.</exception>
    public static RouteConnection Open(INetlinkSockets sockets, NetworkNamespace networkNamespace) =>
        networkNamespace.Run(() => new RouteConnection(sockets));
}
