namespace CniPlugins.Ipam;

/// <summary>How much of a range set is in use.</summary>
/// <param name="SetIndex">The range set.</param>
/// <param name="Ranges">Its ranges as text: <c>10.0.0.1-10.0.0.254</c>, separated by commas.</param>
/// <param name="Total">Addresses that can be leased, gateways not counted.</param>
/// <param name="Free">Addresses nobody has.</param>
public sealed record PoolUse(int SetIndex, string Ranges, UInt128 Total, UInt128 Free);
