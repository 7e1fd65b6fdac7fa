using CniPlugins.Cni;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Attachments;

/// <summary>How a container's traffic gets into the host: by a pair's own end, or by a bridge that the end hangs on.</summary>
/// <param name="Device">The interface that the host routes by: the bridge, a VLAN's interface on it, or the end itself.</param>
/// <param name="Port">The host's end of the pair.</param>
/// <param name="Bridge">The bridge; null: the pair leads to this container alone.</param>
public sealed record HostWay(Link Device, Link Port, Link? Bridge)
{
    /// <summary>
    /// A container that comes to its own published port is sent back by the bridge itself where bridged packets pass the IP hooks: out of the port they came in
    /// by. The port is the attachment's, so that nothing is to be put back.
    /// </summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void LetFramesReturn(Host host)
    {
        if (this is { Bridge.IsPromiscuous: false, Port.Port: { Hairpin: false } settings })
        {
            host.Route.SetBridgePort(Port.Index, hairpin: true, settings.Isolated);
        }
    }

    /// <summary>The way of the attachment; null where the container's interface is no end of a pair, and so passes by this host's forwarding.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static HostWay? Find(Host host, Sandbox sandbox, string ifName, IReadOnlyList<ResultIp> ips)
    {
        RouteConnection route = host.Route;
        if (sandbox.Route.FindLink(ifName) is not { Kind: "veth", Peer: InterfaceIndex peer } container
            || route.FindLink(peer) is not { Kind: "veth" } port || port.Peer != container.Index)
        {
            return null;
        }

        if (port.Master is not InterfaceIndex master || route.FindLink(master) is not { Kind: "bridge" } bridge)
        {
            return new HostWay(port, port, null);
        }

        // A VLAN has its gateway on a pair of its own, whose other end is a port of the bridge.
        foreach (ResultIp ip in ips)
        {
            if (route.FindOutput(ip.Address) is { Kind: "veth", Peer: InterfaceIndex other } gateway && route.FindLink(other)?.Master == bridge.Index)
            {
                return new HostWay(gateway, port, bridge);
            }
        }

        return new HostWay(bridge, port, bridge);
    }
}
