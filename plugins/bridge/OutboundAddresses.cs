using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Ipam;

namespace CniPlugins.Plugins.Bridge;

/// <summary>The key <c>outboundAddress</c>: what the containers show outside.</summary>
internal static class OutboundAddresses
{
    /// <summary>Reads an address, or a list of at most one of each family; empty when it is absent.</summary>
    /// <exception cref="CniException">Not an address that anybody can answer, or two of a family (7).</exception>
    public static IReadOnlyList<IPAddress> Read(ConfigObject root)
    {
        const string Key = "outboundAddress";
        if (!root.Has(Key))
        {
            return [];
        }

        List<IPAddress> addresses = [];
        foreach (string text in root.IsArray(Key) ? root.FindStrings(Key)! : [root.FindString(Key)!])
        {
            if (!AddressText.TryParse(text, out IPAddress address) || !IsOfAHost(address))
            {
                throw Invalid($"{root.PathOf(Key)} is \"{text}\": set it to an address of this host, without a prefix length");
            }

            if (addresses.Exists(other => other.AddressFamily == address.AddressFamily))
            {
                throw Invalid($"{root.PathOf(Key)} has two addresses of one family: name one of each at most");
            }

            addresses.Add(address);
        }

        return addresses.Count > 0 ? addresses : throw Invalid($"{root.PathOf(Key)} is an empty list: name an address, or leave the key out");
    }

    /// <summary>One that a host can have, and others beyond the link can answer.</summary>
    private static bool IsOfAHost(IPAddress address)
    {
        byte first = address.GetAddressBytes()[0];
        return !IPAddress.IsLoopback(address) && (address.AddressFamily == AddressFamily.InterNetwork
            ? first is not (0 or >= 224)
            : !address.IsIPv6Multicast && !address.IsIPv6LinkLocal && !address.Equals(IPAddress.IPv6Any));
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
