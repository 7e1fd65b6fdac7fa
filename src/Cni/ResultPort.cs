using System.Net;

namespace CniPlugins.Cni;

/// <summary>A port of the host that leads to the container: not of the specification, and told only where a plugin chose the host's port.</summary>
/// <param name="HostIp">The host's address.</param>
/// <param name="HostPort">The host's port.</param>
/// <param name="ContainerIp">The container's address.</param>
/// <param name="ContainerPort">The container's port.</param>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c> or <c>sctp</c>.</param>
public sealed record ResultPort(IPAddress HostIp, int HostPort, IPAddress ContainerIp, int ContainerPort, string Protocol)
{
    private const string Key = "publishedPorts";

    /// <summary>Writes the list; nothing where it is empty.</summary>
    internal static void Write(GoJsonWriter writer, IReadOnlyList<ResultPort> ports) => writer.Member(Key, ports, static (inner, port) =>
    {
        inner.BeginObject();
        inner.Member("containerIP", IpText.Format(port.ContainerIp));
        inner.Member("containerPort", port.ContainerPort);
        inner.Member("hostIP", IpText.Format(port.HostIp));
        inner.Member("hostPort", port.HostPort);
        inner.Member("protocol", port.Protocol);
        inner.EndObject();
    });

    /// <summary>Reads the list of a result; empty where there is none.</summary>
    /// <exception cref="CniException">A wrong type (6), no address or port (7).</exception>
    internal static IReadOnlyList<ResultPort> Read(ConfigObject result)
    {
        List<ResultPort> ports = [];
        foreach (ConfigObject item in result.FindObjects(Key) ?? [])
        {
            ports.Add(new ResultPort(
                ReadAddress(item, "hostIP"), ReadPort(item, "hostPort"), ReadAddress(item, "containerIP"), ReadPort(item, "containerPort"), item.GetString("protocol")));
        }

        return ports;
    }

    private static IPAddress ReadAddress(ConfigObject item, string key) => IpText.FindAddress(item.GetString(key))
        ?? throw new CniException(CniErrorCode.InvalidConfig, $"{item.PathOf(key)}: \"{item.FindString(key)}\" is not an IP address");

    private static int ReadPort(ConfigObject item, string key) => item.FindInt32(key, 1, ushort.MaxValue)
        ?? throw new CniException(CniErrorCode.InvalidConfig, $"{item.PathOf(key)} is missing: set it to a port, 1 to 65535");
}
