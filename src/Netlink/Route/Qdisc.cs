namespace CniPlugins.Netlink.Route;

/// <summary>A queueing discipline of an interface.</summary>
/// <param name="Kind">Such as <c>tbf</c>, <c>ingress</c>, <c>noqueue</c>.</param>
/// <param name="Handle">Its number; <c>1:</c> is 0x10000.</param>
/// <param name="Parent">Where it hangs: TC_H_ROOT, TC_H_INGRESS or a class.</param>
public sealed record Qdisc(string Kind, uint Handle, uint Parent)
{
    /// <summary>Of a <c>tbf</c>: its settings.</summary>
    public TokenBucket? TokenBucket { get; init; }
}
