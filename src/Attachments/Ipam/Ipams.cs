using CniPlugins.Cni;
using CniPlugins.Netlink;

namespace CniPlugins.Attachments;

/// <summary>Chooses the address management that a network configuration asks for.</summary>
public static class Ipams
{
    /// <summary>
    /// By <c>ipam.type</c>: our own in this process, else the executable of that name. Null when there is no <c>ipam</c>, or none with
    /// a type: the network is without addresses. Our own wins even where CNI_PATH holds another executable of its name, which the same
    /// files and configuration make interchangeable: a program start for each container is what that would cost. Who wants another
    /// plugin gives it another name.
    /// </summary>
    /// <exception cref="CniException">The type is no string (6).</exception>
    public static IIpam? Select(CniRequest request, HostSettings settings, INetlinkSockets sockets) => request.Config.Ipam?.FindString("type") switch
    {
        null or "" => null,
        HostLocalIpam.Type => new HostLocalIpam(settings, sockets),
        StaticIpam.Type => new StaticIpam(),

        // One of our own drivers would be executed, read the same section, and execute the next.
        "bridge" or "host" or "none" or "loopback" => throw new CniException(
            CniErrorCode.InvalidConfig, "ipam.type names a plugin that gives no addresses: set it to \"host-local\", \"static\" or another IPAM plugin"),
        string other when other == request.Config.Type => throw new CniException(
            CniErrorCode.InvalidConfig, $"ipam.type is \"{other}\", the network's own type, which would execute itself for ever: name an IPAM plugin"),
        string other => new DelegatedIpam(other),
    };
}
