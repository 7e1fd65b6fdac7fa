using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>The container's network namespace with a connection that stays in it.</summary>
public sealed class Sandbox : IDisposable
{
    private readonly INetlinkSockets _sockets;

    private Sandbox(INetlinkSockets sockets, NetworkNamespace networkNamespace, RouteConnection route)
    {
        _sockets = sockets;
        Namespace = networkNamespace;
        Route = route;
    }

    /// <summary>The namespace.</summary>
    public NetworkNamespace Namespace { get; }

    /// <summary>Links, addresses and routes in it.</summary>
    public RouteConnection Route { get; }

    /// <summary>Opens the namespace that the runtime names.</summary>
    /// <exception cref="CniException">There is no namespace at that path (8).</exception>
    public static Sandbox Open(INetlinkSockets sockets, CniRequest request)
    {
        string path = request.NetnsPath ?? throw new CniException(CniErrorCode.InvalidEnvironment, "CNI_NETNS is missing: set it to the container's network namespace");
        NetworkNamespace networkNamespace;
        try
        {
            networkNamespace = NetworkNamespace.Open(path);
        }
        catch (LinuxException e)
        {
            throw new CniException(
                CniErrorCode.InvalidNetns,
                $"CNI_NETNS \"{path}\" is no network namespace: it must be a path such as /run/netns/NAME or /proc/PID/ns/net of a living process",
                e.Message,
                e);
        }

        return Open(sockets, networkNamespace);
    }

    /// <summary>Opens the namespace that the runtime names; null when there is none (any more), which DEL does not mind.</summary>
    public static Sandbox? Find(INetlinkSockets sockets, CniRequest request) =>
        request.NetnsPath is string path && NetworkNamespace.Find(path) is NetworkNamespace found ? Open(sockets, found) : null;

    /// <summary>Announcements about IPv6 addresses in the namespace, from now on.</summary>
    /// <exception cref="LinuxException">No socket to be had.</exception>
    public KernelEvents ListenToAddresses() => Namespace.Run(() => KernelEvents.Open(_sockets, RTNLGRP.IPV6_IFADDR));

    /// <summary>Announcements about IPv6 routes in the namespace, from now on.</summary>
    /// <exception cref="LinuxException">No socket to be had.</exception>
    public KernelEvents ListenToRoutes() => Namespace.Run(() => KernelEvents.Open(_sockets, RTNLGRP.IPV6_ROUTE));

    /// <inheritdoc/>
    public void Dispose()
    {
        Route.Dispose();
        Namespace.Dispose();
    }

    /// <summary>Takes a namespace that is open, and closes it in the end.</summary>
    internal static Sandbox Open(INetlinkSockets sockets, NetworkNamespace networkNamespace)
    {
        try
        {
            return new Sandbox(sockets, networkNamespace, RouteConnection.Open(sockets, networkNamespace));
        }
        catch
        {
            networkNamespace.Dispose();
            throw;
        }
    }
}
