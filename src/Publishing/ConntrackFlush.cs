using System.Net;
using System.Net.Sockets;
using CniPlugins.Netlink;
using CniPlugins.Nftables.Conntrack;

namespace CniPlugins.Publishing;

/// <summary>
/// Makes a change of published UDP ports count for clients that keep talking. The kernel asks the rules for the first packet of a
/// connection only; of UDP a connection lives as long as packets come (nf_conntrack_udp_timeout_stream, two minutes, begun again by each).
/// TCP and SCTP need none of this: a new container resets what it does not know.
/// </summary>
public static class ConntrackFlush
{
    /// <summary>
    /// Forgets the UDP connections to published ports: those that went to a container which is gone, or to nothing before the port was
    /// published. To be called after the ports were published, and after they were withdrawn; opens no connection when none is UDP.
    /// </summary>
    /// <param name="sockets">Opens a socket in the calling thread's namespace, the host's.</param>
    /// <param name="ports">The ports that were published or withdrawn.</param>
    /// <param name="hostAddresses">
    /// The host's own addresses, asked for only if a port is published on every address: a transit connection to another host's port of
    /// that number is left alone. Null: all connections to the port number are forgotten.
    /// </param>
    /// <returns>How many connections were forgotten.</returns>
    /// <exception cref="NetlinkException">This kernel does not tell of its connections.</exception>
    public static int Run(INetlinkSockets sockets, IReadOnlyList<PublishedPort> ports, Func<IReadOnlyList<IPAddress>>? hostAddresses = null)
    {
        List<ConntrackFilter> filters = [];
        foreach (PublishedPort port in ports)
        {
            if (port.Protocol == PortProtocol.Udp)
            {
                filters.Add(Filter(port, hostAddresses));
            }
        }

        if (filters.Count == 0)
        {
            return 0;
        }

        using ConntrackConnection connection = ConntrackConnection.Open(sockets);
        return connection.Delete(filters);
    }

    private static ConntrackFilter Filter(PublishedPort port, Func<IReadOnlyList<IPAddress>>? hostAddresses)
    {
        AddressFamily family = port.HostAddress.AddressFamily;
        IReadOnlyList<IPAddress> destinations = port.OnEveryAddress ? hostAddresses?.Invoke() ?? [] : [port.HostAddress];
        return ConntrackFilter.ToPort((byte)port.Protocol, port.HostPort, destinations) with { Family = family };
    }
}
