namespace CniPlugins.Cni;

/// <summary>What ADD made, in the terms of the newest version; <see cref="ResultCodec"/> reads and writes every version.</summary>
public sealed record AddResult
{
    /// <summary>Interfaces, in the order in which <see cref="ResultIp.Interface"/> counts them.</summary>
    public IReadOnlyList<ResultInterface> Interfaces { get; init; } = [];

    /// <summary>Addresses of the container.</summary>
    public IReadOnlyList<ResultIp> Ips { get; init; } = [];

    /// <summary>Routes of the container.</summary>
    public IReadOnlyList<ResultRoute> Routes { get; init; } = [];

    /// <summary>Resolver settings.</summary>
    public DnsSettings Dns { get; init; } = new();

    /// <summary>The host's ports that lead to the container, where one of them was chosen by a plugin; else none.</summary>
    public IReadOnlyList<ResultPort> PublishedPorts { get; init; } = [];

    /// <summary>The addresses of a container's interface: those that name it, and those that name none.</summary>
    public IReadOnlyList<ResultIp> AddressesOf(string ifName)
    {
        List<ResultIp> ips = [];
        foreach (ResultIp ip in Ips)
        {
            // An index that is absent, negative or too large says nothing about the interface.
            if (ip.Interface is not int index || index < 0 || index >= Interfaces.Count
                || (Interfaces[index].Name == ifName && !string.IsNullOrEmpty(Interfaces[index].Sandbox)))
            {
                ips.Add(ip);
            }
        }

        return ips;
    }
}
