using System.Globalization;

namespace CniPlugins.Ipam;

/// <summary>A range set has no free address.</summary>
public sealed class PoolExhaustedException : IpamException
{
    /// <summary>Names the range set and its use.</summary>
    public PoolExhaustedException(PoolUse use)
        : base(string.Create(
            CultureInfo.InvariantCulture,
            $"no free address in range set {use.SetIndex} ({use.Ranges}): {use.Total - use.Free} of {use.Total} addresses are in use; "
            + $"remove containers, collect what they left behind (GC), or give the network a larger range")) => Use = use;

    /// <summary>The use of the set.</summary>
    public PoolUse Use { get; }
}
