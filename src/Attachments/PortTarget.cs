using System.Net;
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
    /// have is passed over, as long as another is left.
    /// </summary>
    /// <exception cref="CniException">A mapping cannot be published (7).</exception>
    public static IReadOnlyList<PortTarget> Resolve(
        IReadOnlyList<PortMapping> mappings, IReadOnlyList<IPAddress> containerAddresses, IReadOnlyList<IPAddress> defaults)
    {
        List<PortTarget> targets = new(mappings.Count);
        foreach (PortMapping mapping in mappings)
        {
            bool named = mapping.HostAddresses.Count > 0;
            List<(IPAddress, IPAddress)> ways = [];
            foreach (IPAddress host in named ? mapping.HostAddresses : defaults)
            {
                RefuseIpv6Loopback(host, mapping);
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
        $"port {(mapping.HostPort == 0 ? mapping.ContainerPort : mapping.HostPort)} cannot be published on {string.Join(" and ", hosts)}: the container has no address of that family; name a hostIP of the other");

    private static void RefuseIpv6Loopback(IPAddress hostAddress, PortMapping mapping)
    {
        // The kernel routes nothing from or to ::1 over another interface than lo, and IPv6 has no route_localnet.
        if (hostAddress.Equals(IPAddress.IPv6Loopback))
        {
            throw new CniException(
                CniErrorCode.InvalidConfig,
                $"port {mapping.HostPort} cannot be published on [::1]: IPv6 loopback is not supported yet; publish it on 127.0.0.1, or on an IPv6 address of this host");
        }
    }
}
