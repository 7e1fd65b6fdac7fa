namespace CniPlugins.Cni;

/// <summary>An interface in a result.</summary>
/// <param name="Name">Its name, in <paramref name="Sandbox"/>.</param>
/// <param name="Mac">Its hardware address.</param>
/// <param name="Mtu">Its MTU in bytes (written since 1.0.0).</param>
/// <param name="Sandbox">The namespace's path; null for the host.</param>
/// <param name="SocketPath">The socket of a user space interface (written since 1.0.0).</param>
/// <param name="PciId">The PCI address of the device behind it (written since 1.0.0).</param>
public sealed record ResultInterface(
    string Name, string? Mac = null, int? Mtu = null, string? Sandbox = null, string? SocketPath = null, string? PciId = null);
