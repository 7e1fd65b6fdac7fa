using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>Where a mapping leads, for each of its addresses of the host.</summary>
/// <param name="Mapping">The mapping.</param>
/// <param name="Ways">The host's address, and the container's of the same family.</param>
internal sealed record PortTarget(PortMapping Mapping, IReadOnlyList<(IPAddress Host, IPAddress Container)> Ways)
{
    /// <summary>
    /// Finds the container's addresses. A mapping that names an address needs one of that family; a default address of a family that the container does not
    /// have is passed over, as long as another is left; so is [::1] where it cannot be served.
    /// </summary>
    /// <param name="mappings">The mappings.</param>
    /// <param name="containerAddresses">The container's addresses.</param>
    /// <param name="defaults">For mappings that name no address.</param>
    /// <param name="findIpv6LoopbackFault">Why a protocol cannot be published on [::1]; null: it can.</param>
    /// <exception cref="CniException">A mapping cannot be published (7).</exception>
    public static IReadOnlyList<PortTarget> Resolve(
        IReadOnlyList<PortMapping> mappings, IReadOnlyList<IPAddress> containerAddresses, IReadOnlyList<IPAddress> defaults,
        Func<PortProtocol, string?> findIpv6LoopbackFault)
    {
        List<PortTarget> targets = new(mappings.Count);
        foreach (PortMapping mapping in mappings)
        {
            bool named = mapping.HostAddresses.Count > 0;
            List<(IPAddress, IPAddress)> ways = [];
            foreach (IPAddress host in named ? mapping.HostAddresses : defaults)
            {
                RequireOneHost(host, mapping);
                if (host.Equals(IPAddress.IPv6Loopback) && findIpv6LoopbackFault(mapping.Protocol) is string fault)
                {
                    if (!named && defaults.Count > 1)
                    {
                        continue;
                    }

                    throw new CniException(
                        CniErrorCode.InvalidConfig,
                        $"port {Number(mapping)} cannot be published on [::1]: {fault}; publish it on 127.0.0.1, or on an IPv6 address of this host");
                }

                if (containerAddresses.FirstOrDefault(address => address.AddressFamily == host.AddressFamily) is IPAddress container)
                {
                    ways.Add((host, container));
                }
                else if (named)
                {
                    throw OfOtherFamily(mapping, [host]);
                }
            }

            targets.Add(ways.Count > 0 ? new PortTarget(mapping, ways) : throw OfOtherFamily(mapping, defaults));
        }

        return targets;
    }

    /// <summary>The mapping with a port of the host.</summary>
    public IEnumerable<PublishedPort> At(ushort hostPort)
    {
        foreach ((IPAddress host, IPAddress container) in Ways)
        {
            yield return new PublishedPort(host, hostPort, Mapping.Protocol, container, Mapping.ContainerPort);
        }
    }

    private static CniException OfOtherFamily(PortMapping mapping, IReadOnlyList<IPAddress> hosts) => new(
        CniErrorCode.InvalidConfig,
        $"port {Number(mapping)} cannot be published on {string.Join(" and ", hosts)}: the container has no address of that family; name a hostIP of the other");

    private static void RequireOneHost(IPAddress host, PortMapping mapping)
    {
        bool isForMany = host.AddressFamily == AddressFamily.InterNetwork ? host.GetAddressBytes()[0] >= 224 : host.IsIPv6Multicast;
        if (isForMany)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"port {Number(mapping)} cannot be published on {host}, which is no address of one host: name an address of this host");
        }
    }

    private static int Number(PortMapping mapping) => mapping.HostPort == 0 ? mapping.ContainerPort : mapping.HostPort;
}
