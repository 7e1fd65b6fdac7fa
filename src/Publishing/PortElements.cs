using CniPlugins.Nftables;

namespace CniPlugins.Publishing;

/// <summary>Which elements of an attachment are there for some of its published ports.</summary>
public sealed class PortElements
{
    private const int ProtocolAndPort = 8;   // the last two fields of a key, padded

    private readonly HashSet<string> _elements = [];
    private readonly HashSet<string> _ports = [];

    /// <summary>Of these ports.</summary>
    public PortElements(IEnumerable<PublishedPort> ports)
    {
        foreach (PublishedPort port in ports)
        {
            _elements.Add(PolicyTables.Identity(PolicyElements.Published(port, string.Empty)));
            _elements.Add(PolicyTables.Identity(PolicyElements.LoopbackTranslated(port, string.Empty)));
            _elements.Add(PolicyTables.Identity(PolicyElements.MasqueradedPort(port, string.Empty)));
            _ports.Add(Convert.ToHexString(new NftKey().AddProtocol((byte)port.Protocol).AddPort(port.HostPort).ToArray()));
        }
    }

    /// <summary>Whether the element publishes one of the ports, says who may not come by it, or hides who comes.</summary>
    public bool Contains(RuleElement element) => IsCondition(element)
        ? _ports.Contains(Convert.ToHexString(element.Element.Key.AsSpan(element.Element.Key.Length - ProtocolAndPort)))
        : _elements.Contains(PolicyTables.Identity(element));

    /// <summary>Whether an element hides who comes to a container's port.</summary>
    public static bool IsMasqueraded(RuleElement element) =>
        element.Set == Ruleset.MasqueradedPorts4.Name || element.Set == Ruleset.MasqueradedPorts6.Name;

    /// <summary>Whether an element says who may not come by a published port.</summary>
    public static bool IsCondition(RuleElement element) => element.Set == Ruleset.Refused4.Name || element.Set == Ruleset.Refused6.Name;
}
