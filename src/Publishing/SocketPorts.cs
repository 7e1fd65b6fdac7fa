using CniPlugins.Linux;
using CniPlugins.Netlink;

namespace CniPlugins.Publishing;

/// <summary>Which port numbers the host's sockets hold: to look at all of them once is cheaper than to try a thousand ports.</summary>
internal sealed class SocketPorts
{
    private readonly Dictionary<PortProtocol, bool[]> _held = [];

    private SocketPorts()
    {
    }

    /// <summary>Looks in the calling thread's namespace; null where the kernel does not tell.</summary>
    public static SocketPorts? Read(IReadOnlyList<PublishedPort> ports)
    {
        try
        {
            using SocketTable table = SocketTable.Open(NetlinkSocket.Kernel);
            SocketPorts sockets = new();
            foreach (PublishedPort port in ports)
            {
                if (!sockets._held.ContainsKey(port.Protocol))
                {
                    bool[] held = new bool[ushort.MaxValue + 1];
                    table.MarkPorts((byte)port.Protocol, held);
                    sockets._held.Add(port.Protocol, held);
                }
            }

            return sockets;
        }
        catch (Exception e) when (e is LinuxException or NetlinkException)
        {
            return null;   // without the module: then each port is tried, and what cannot be bound is taken
        }
    }

    /// <summary>Whether a socket holds that number, on one address or another.</summary>
    public bool Has(PublishedPort port) => _held[port.Protocol][port.HostPort];
}
