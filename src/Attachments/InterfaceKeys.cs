using CniPlugins.Cni;
using CniPlugins.Netlink;

namespace CniPlugins.Attachments;

/// <summary>Keys that several drivers have, and read in the same way.</summary>
public static class InterfaceKeys
{
    private const int SmallestMtu = 68;      // ETH_MIN_MTU
    private const int LargestMtu = 65535;    // ETH_MAX_MTU

    /// <summary><c>mtu</c>, in bytes; null, or 0 in the configuration: the kernel's choice.</summary>
    /// <exception cref="CniException">Out of range (7).</exception>
    public static int? ReadMtu(ConfigObject root)
    {
        int mtu = root.FindInt32("mtu") ?? 0;
        return mtu is 0 or (>= SmallestMtu and <= LargestMtu)
            ? mtu == 0 ? null : mtu
            : throw Invalid($"mtu is {mtu}: set it to {SmallestMtu} to {LargestMtu}, or to 0 for the kernel's choice");
    }

    /// <summary>The container's link-layer address: the runtime's word counts most, then <c>args.cni.mac</c>, then MAC in CNI_ARGS, then the key <c>mac</c>.</summary>
    /// <exception cref="CniException">No address for an interface (7), or CNI_ARGS holds something unknown (4).</exception>
    public static MacAddress? ReadMac(CniRequest request)
    {
        request.Args.RequireKnown("MAC", "IP", "GATEWAY");
        string? text = First(
            request.Config.RuntimeConfig?.FindString("mac"),
            request.Config.ArgsCni?.FindString("mac"),
            request.Args.Find("MAC"),
            request.Config.Root.FindString("mac"));
        return text is null ? null : ParseMac(text);
    }

    /// <summary>An address that an interface can have.</summary>
    /// <exception cref="CniException">It is none (7).</exception>
    public static MacAddress ParseMac(string text) => MacAddress.TryParse(text, out MacAddress mac) && mac.IsUnicast
        ? mac
        : throw Invalid($"the MAC address \"{text}\" is none for an interface: give six octets such as 02:42:0a:00:00:05, the first one even");

    /// <summary>A key that chooses among the reference's backends: either is served by nftables, through netlink.</summary>
    /// <exception cref="CniException">Neither (7).</exception>
    public static void RequireBackend(ConfigObject root, string key)
    {
        if (root.FindString(key) is string backend and not ("" or "iptables" or "nftables"))
        {
            throw Invalid($"{key} is \"{backend}\": set it to \"nftables\" or \"iptables\", or leave it out (either is done by nftables)");
        }
    }

    /// <summary>Address management must be configured.</summary>
    /// <exception cref="CniException">It is not (7).</exception>
    public static void RequireIpam(CniRequest request)
    {
        if (string.IsNullOrEmpty(request.Config.Ipam?.FindString("type")))
        {
            throw Invalid($"{request.Config.Type} needs addresses: add an ipam section, such as {{\"type\": \"host-local\"}}");
        }
    }

    private static string? First(params ReadOnlySpan<string?> texts)
    {
        foreach (string? text in texts)
        {
            if (!string.IsNullOrEmpty(text))
            {
                return text;
            }
        }

        return null;
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
