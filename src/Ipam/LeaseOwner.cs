namespace CniPlugins.Ipam;

/// <summary>Whose a lease is: one interface of one container.</summary>
public readonly record struct LeaseOwner(string ContainerId, string InterfaceName);
