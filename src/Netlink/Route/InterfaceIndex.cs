namespace CniPlugins.Netlink.Route;

/// <summary>The number of an interface, unique within its namespace until the interface is deleted (and never soon after).</summary>
public readonly record struct InterfaceIndex(int Value)
{
    /// <summary>The loopback interface has index 1 in every namespace (LOOPBACK_IFINDEX).</summary>
    public static InterfaceIndex Loopback => new(1);

    /// <inheritdoc/>
    public override string ToString() => $"{Value}";
}
