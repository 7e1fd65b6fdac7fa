using System.Net;

namespace CniPlugins.Publishing;

/// <summary>IP protocols that have ports.</summary>
public enum PortProtocol
{
    /// <summary>IPPROTO_TCP.</summary>
    Tcp = 6,

    /// <summary>IPPROTO_UDP.</summary>
    Udp = 17,

    /// <summary>IPPROTO_SCTP.</summary>
    Sctp = 132,
}

/// <summary>A port of the host that leads to a port of a container.</summary>
/// <param name="HostAddress">Where it is reached: an address of the host, or 0.0.0.0 or :: for all of the family.</param>
/// <param name="HostPort">1 to 65535.</param>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="ContainerAddress">Address of the container, of the same family.</param>
/// <param name="ContainerPort">1 to 65535.</param>
public sealed record PublishedPort(
    IPAddress HostAddress, ushort HostPort, PortProtocol Protocol, IPAddress ContainerAddress, ushort ContainerPort)
{
    /// <summary>Whether it is reached by every address of its family.</summary>
    public bool OnEveryAddress => HostAddress.Equals(IPAddress.Any) || HostAddress.Equals(IPAddress.IPv6Any);

    /// <summary>Such as <c>127.0.0.1:8080/tcp</c>.</summary>
    public override string ToString() => $"{new IPEndPoint(HostAddress, HostPort)}/{Protocol.ToString().ToLowerInvariant()}";
}
