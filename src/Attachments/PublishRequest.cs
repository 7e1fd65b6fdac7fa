using System.Net;
using CniPlugins.Cni;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>What is to be published, where if it does not say, and who reaches it.</summary>
/// <param name="Ports">The ports.</param>
/// <param name="DefaultHostAddresses">The host's addresses for a port that names none.</param>
public sealed record PublishRequest(IReadOnlyList<PortMapping> Ports, IReadOnlyList<IPAddress> DefaultHostAddresses)
{
    /// <summary>What holds for all ports, beside what each says for itself: at most one for each family.</summary>
    public IReadOnlyList<PublishConditions> Conditions { get; init; } = [];

    /// <summary>Reads <c>runtimeConfig.portMappings</c> and <c>publish.defaultHostIP</c>, below which the host-wide file counts, and then 127.0.0.1.</summary>
    /// <exception cref="CniException">Something is wrong (7).</exception>
    public static PublishRequest Read(CniRequest request, HostSettings settings)
    {
        IReadOnlyList<IPAddress>? addresses = PublishDefaults.Read(request.Config.Root.FindObject("publish")) ?? settings.DefaultHostAddresses;
        return new PublishRequest(PortMapping.Read(request.Config.RuntimeConfig), addresses ?? [IPAddress.Loopback]);
    }

    /// <summary>Who reaches a port of these: whoever passes all that is said of it. Null: everybody.</summary>
    public PublishConditions? FindConditions(PublishedPort port)
    {
        PublishConditions? all = null;
        IEnumerable<PublishConditions> own = Ports.Where(mapping => mapping.Conditions.Count > 0 && mapping.Covers(port)).SelectMany(static mapping => mapping.Conditions);
        foreach (PublishConditions each in own.Concat(Conditions))
        {
            if (each.Family == port.HostAddress.AddressFamily)
            {
                all = all?.And(each) ?? each;
            }
        }

        return all;
    }

    /// <summary>Whether somebody reaches a port of these by an address of the host, such as 127.0.0.1 by 127.0.0.1.</summary>
    public bool Admits(PublishedPort port, IPAddress source, IPAddress destination) => FindConditions(port)?.Admits(source, destination) ?? true;
}
