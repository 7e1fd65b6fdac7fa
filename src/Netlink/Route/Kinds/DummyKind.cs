namespace CniPlugins.Netlink.Route.Kinds;

/// <summary>A link that takes every packet and delivers none. Equivalent to <c>ip link add NAME type dummy</c>.</summary>
public sealed record DummyKind : ILinkKind
{
    /// <inheritdoc/>
    public string Kind => "dummy";
}
