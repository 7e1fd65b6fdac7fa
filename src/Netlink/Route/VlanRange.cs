namespace CniPlugins.Netlink.Route;

/// <summary>VLAN identifiers from first to last, both included, 1 to 4094.</summary>
public readonly record struct VlanRange(ushort First, ushort Last)
{
    /// <inheritdoc/>
    public override string ToString() => First == Last ? $"{First}" : $"{First}-{Last}";
}

/// <summary>One VLAN of a bridge port.</summary>
/// <param name="Id">1 to 4094.</param>
/// <param name="Pvid">Untagged frames that come in belong to it.</param>
/// <param name="Untagged">Its frames leave without a tag.</param>
public sealed record PortVlan(ushort Id, bool Pvid, bool Untagged);
