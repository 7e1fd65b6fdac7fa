using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>One entry of <c>runtimeConfig.portMappings</c>, as the runtime asks for it.</summary>
/// <param name="HostPort">1 to 65535.</param>
/// <param name="ContainerPort">1 to 65535.</param>
/// <param name="Protocol">TCP unless it says otherwise.</param>
/// <param name="HostAddress">Null: the default of the network or the host.</param>
public sealed record PortMapping(ushort HostPort, ushort ContainerPort, PortProtocol Protocol, IPAddress? HostAddress)
{
    /// <summary>Who reaches it; none: everybody.</summary>
    public IReadOnlyList<PublishConditions> Conditions { get; init; } = [];

    /// <summary>Reads the list; empty when there is none.</summary>
    /// <exception cref="CniException">An entry is wrong (7).</exception>
    public static IReadOnlyList<PortMapping> Read(ConfigObject? runtimeConfig)
    {
        List<PortMapping> mappings = [];
        foreach (ConfigObject entry in runtimeConfig?.FindObjects("portMappings") ?? [])
        {
            mappings.Add(new PortMapping(Port(entry, "hostPort"), Port(entry, "containerPort"), ReadProtocol(entry), ReadHostAddress(entry))
            {
                Conditions = AllowList.Read(entry),
            });
        }

        return mappings;
    }

    /// <summary>
    /// Says where each mapping leads. A mapping that names an address needs a container address of that family; a default address of a family that
    /// the container does not have is passed over, as long as another is left.
    /// </summary>
    /// <exception cref="CniException">A mapping cannot be published (7).</exception>
    public static IReadOnlyList<PublishedPort> Resolve(
        IReadOnlyList<PortMapping> mappings, IReadOnlyList<IPAddress> containerAddresses, IReadOnlyList<IPAddress> defaults)
    {
        List<PublishedPort> ports = [];
        foreach (PortMapping mapping in mappings)
        {
            bool published = false;
            IReadOnlyList<IPAddress> hostAddresses = mapping.HostAddress is IPAddress named ? [named] : defaults;
            foreach (IPAddress hostAddress in hostAddresses)
            {
                RefuseIpv6Loopback(hostAddress, mapping);
                if (containerAddresses.FirstOrDefault(address => address.AddressFamily == hostAddress.AddressFamily) is IPAddress container)
                {
                    Add(ports, new PublishedPort(hostAddress, mapping.HostPort, mapping.Protocol, container, mapping.ContainerPort));
                    published = true;
                }
            }

            if (!published)
            {
                throw new CniException(
                    CniErrorCode.InvalidConfig,
                    $"port {mapping.HostPort} cannot be published on {string.Join(" and ", hostAddresses)}: the container has no address of that family; name a hostIP of the other");
            }
        }

        return ports;
    }

    /// <summary>Whether the port came of this mapping.</summary>
    internal bool Covers(PublishedPort port) =>
        HostPort == port.HostPort && Protocol == port.Protocol && (HostAddress is null || HostAddress.Equals(port.HostAddress));

    /// <summary>The same mapping twice is one mapping; two mappings cannot share a host port.</summary>
    private static void Add(List<PublishedPort> ports, PublishedPort port)
    {
        PublishedPort? same = ports.Find(other => other with { ContainerPort = port.ContainerPort } == port);
        if (same is null)
        {
            ports.Add(port);
        }
        else if (same != port)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig,
                $"host port {port} is asked for twice, for the container's ports {same.ContainerPort} and {port.ContainerPort}: choose another host port for one");
        }
    }

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

    private static ushort Port(ConfigObject entry, string key) => entry.FindInt32(key, 1, ushort.MaxValue) is int port
        ? (ushort)port
        : throw new CniException(CniErrorCode.InvalidConfig, $"{entry.PathOf(key)} is missing: set it to a port, 1 to 65535");

    private static PortProtocol ReadProtocol(ConfigObject entry) => entry.FindString("protocol")?.ToLowerInvariant() switch
    {
        null or "" or "tcp" => PortProtocol.Tcp,
        "udp" => PortProtocol.Udp,
        "sctp" => PortProtocol.Sctp,
        string other => throw new CniException(
            CniErrorCode.InvalidConfig, $"{entry.PathOf("protocol")} is \"{other}\": set it to \"tcp\", \"udp\" or \"sctp\""),
    };

    private static IPAddress? ReadHostAddress(ConfigObject entry)
    {
        string? text = entry.FindString("hostIP");
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        return AddressText.TryParse(text, out IPAddress address)
            && !(address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0)
            ? address
            : throw new CniException(
                CniErrorCode.InvalidConfig, $"{entry.PathOf("hostIP")} is \"{text}\": set it to an IP address of this host, or leave it out for this host only");
    }
}
