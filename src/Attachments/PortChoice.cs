using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>Ports that are free, with who reaches those that not everybody does.</summary>
/// <param name="Ports">The ports.</param>
/// <param name="Conditions">What their mappings say.</param>
internal sealed record PortChoice(IReadOnlyList<PublishedPort> Ports, IReadOnlyDictionary<PublishedPort, PublishConditions> Conditions)
{
    /// <summary>None.</summary>
    public static PortChoice None { get; } = new([], new Dictionary<PublishedPort, PublishConditions>());

    /// <summary>The elements that refuse a port to others than its mapping, and conditions for all ports, let pass.</summary>
    /// <param name="port">One of the ports.</param>
    /// <param name="all">Conditions that hold for all: at most one for each family.</param>
    /// <param name="comment">Whose port it is.</param>
    public IEnumerable<RuleElement> Refuse(PublishedPort port, IReadOnlyList<PublishConditions> all, string comment)
    {
        PublishConditions? conditions = Conditions.GetValueOrDefault(port);
        foreach (PublishConditions each in all)
        {
            if (each.Family == port.HostAddress.AddressFamily)
            {
                conditions = conditions?.And(each) ?? each;
            }
        }

        return conditions?.Refuse(port, comment) ?? [];
    }
}
