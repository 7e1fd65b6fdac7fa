using System.Net;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Nftables.Conntrack;

namespace CniPlugins.Publishing;

/// <summary>
/// Makes a change of published ports count for clients that keep talking. The kernel asks the rules for the first packet of a connection only: whoever
/// goes on sending from one port is led to the container that is gone. Of UDP a connection lives as long as packets come
/// (nf_conntrack_udp_timeout_stream, two minutes, begun again by each); of TCP and SCTP one to a container that does not answer lives for days.
/// </summary>
public static class ConntrackFlush
{
    // Of this namespace alone; the table itself is shared by all of them.
    private const string Count = "net/netfilter/nf_conntrack_count";

    /// <summary>
    /// Forgets the connections to published ports: those that went to a container which is gone, or to nothing before the port was published. To be called
    /// after the ports were published, and after they were withdrawn. Asks nothing where the namespace tracks no connection; else the kernel walks its table
    /// once, whatever the number of ports, which takes 12 ms even where there is hardly anything in it.
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
        if (ports.Count == 0 || Sysctl.Find(Count) == "0")
        {
            return 0;
        }

        List<ConntrackFilter> filters = new(ports.Count);
        IReadOnlyList<IPAddress>? local = null;
        foreach (PublishedPort port in ports)
        {
            if (port.OnEveryAddress)
            {
                local ??= hostAddresses?.Invoke() ?? [];
            }

            filters.Add(Filter(port, local));
        }

        using ConntrackConnection connection = ConntrackConnection.Open(sockets);
        return connection.Delete(filters);
    }

    private static ConntrackFilter Filter(PublishedPort port, IReadOnlyList<IPAddress>? hostAddresses)
    {
        IReadOnlyList<IPAddress> destinations = port.OnEveryAddress ? hostAddresses ?? [] : [port.HostAddress];
        return ConntrackFilter.ToPort((byte)port.Protocol, port.HostPort, destinations) with
        {
            Family = port.HostAddress.AddressFamily,

            // A connection to a process of this host, which does not listen any more, goes on; to a client that knocked before, a SYN is a new beginning.
            TranslatedOnly = port.Protocol == PortProtocol.Tcp,
            LoopbackToo = port.OnEveryAddress,
        };
    }
}
