using CniPlugins.Nftables;

namespace CniPlugins.Publishing;

/// <summary>Which elements of an attachment are there for one of its published ports.</summary>
public static class PortElements
{
    private const int ProtocolAndPort = 8;   // the last two fields of a key, padded

    /// <summary>Whether the element publishes the port.</summary>
    public static bool IsPublished(RuleElement element, PublishedPort port) =>
        PolicyTables.Identity(element) == PolicyTables.Identity(PolicyElements.Published(port, string.Empty))
        || PolicyTables.Identity(element) == PolicyTables.Identity(PolicyElements.LoopbackTranslated(port, string.Empty));

    /// <summary>Whether the element hides who comes to the container's port.</summary>
    public static bool IsMasqueraded(RuleElement element, PublishedPort port) =>
        PolicyTables.Identity(element) == PolicyTables.Identity(PolicyElements.MasqueradedPort(port, string.Empty));

    /// <summary>Whether the element says who may not come by a published port.</summary>
    public static bool IsCondition(RuleElement element) => element.Set == Ruleset.Refused4.Name || element.Set == Ruleset.Refused6.Name;

    /// <summary>Whether the element says who may not come by this port.</summary>
    public static bool IsCondition(RuleElement element, PublishedPort port) => IsCondition(element)
        && element.Element.Key.AsSpan().EndsWith(new NftKey().AddProtocol((byte)port.Protocol).AddPort(port.HostPort).ToArray().AsSpan(0, ProtocolAndPort));
}
