namespace CniPlugins.Netlink.Route.Kinds;

/// <summary>A link that packets are redirected to, to be queued and sent back where they came from. Equivalent to <c>ip link add NAME type ifb</c>.</summary>
public sealed record IfbKind : ILinkKind
{
    /// <inheritdoc/>
    public string Kind => "ifb";
}
