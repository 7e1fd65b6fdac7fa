using System.Net;
using CniPlugins.Cni;

namespace CniPlugins.Attachments;

/// <summary>What is to be published, where if it does not say, and who reaches it.</summary>
/// <param name="Ports">The ports.</param>
/// <param name="DefaultHostAddresses">The host's addresses for a port that names none.</param>
public sealed record PublishRequest(IReadOnlyList<PortMapping> Ports, IReadOnlyList<IPAddress> DefaultHostAddresses)
{
    /// <summary>Where a port is published that names no address, unless somebody says otherwise.</summary>
    public static IReadOnlyList<IPAddress> LoopbackAddresses { get; } = [IPAddress.Loopback, IPAddress.IPv6Loopback];

    /// <summary>What holds for all ports, beside what each says for itself: at most one for each family.</summary>
    public IReadOnlyList<PublishConditions> Conditions { get; init; } = [];

    /// <summary>Reads <c>runtimeConfig.portMappings</c> and <c>publish.defaultHostIP</c>, below which the host-wide file counts, and then 127.0.0.1 and [::1].</summary>
    /// <exception cref="CniException">Something is wrong (7).</exception>
    public static PublishRequest Read(CniRequest request, HostSettings settings)
    {
        IReadOnlyList<IPAddress>? addresses = PublishDefaults.Read(request.Config.Root.FindObject("publish")) ?? settings.DefaultHostAddresses;
        return new PublishRequest(PortMapping.Read(request.Config.RuntimeConfig), addresses ?? LoopbackAddresses);
    }
}
