using System.Net;
using System.Net.Sockets;

namespace CniPlugins.Netlink.Route;

/// <summary>AF_* as the kernel numbers them, which .NET's enum does not (include/linux/socket.h).</summary>
internal static class AddressFamilyNumber
{
    public const byte Unspecified = 0;
    public const byte Inet = 2;
    public const byte Bridge = 7;
    public const byte Inet6 = 10;

    public static byte Of(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? Inet6 : Inet;
}
