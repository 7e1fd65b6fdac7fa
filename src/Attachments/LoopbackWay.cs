using CniPlugins.Cni;

namespace CniPlugins.Attachments;

/// <summary>How ports published on loopback addresses are served.</summary>
public enum LoopbackWay
{
    /// <summary>At the socket, both families; where the kernel cannot or may not, as <see cref="Nat"/>.</summary>
    Socket,

    /// <summary>By translation of packets with route_localnet and the guard; IPv4 only.</summary>
    Nat,
}

/// <summary>The key <c>publish.loopback</c>.</summary>
public static class LoopbackWayText
{
    /// <summary>Reads <c>"socket"</c> or <c>"nat"</c>; null when absent.</summary>
    /// <exception cref="CniException">Another value (7).</exception>
    public static LoopbackWay? Read(ConfigObject? publish) => publish?.FindString("loopback") switch
    {
        null => null,
        "socket" => LoopbackWay.Socket,
        "nat" => LoopbackWay.Nat,
        string other => throw new CniException(
            CniErrorCode.InvalidConfig, $"{publish.PathOf("loopback")} is \"{other}\": set it to \"socket\" or \"nat\""),
    };
}
