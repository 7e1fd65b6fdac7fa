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
}
