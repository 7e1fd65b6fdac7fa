namespace CniPlugins.Netlink;

/// <summary>A message from the kernel is not formed as its header says.</summary>
public sealed class NetlinkFormatException(string message) : Exception(message);
