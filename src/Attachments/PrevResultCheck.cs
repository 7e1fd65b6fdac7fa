using System.Net;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>What every driver's CHECK compares: the result that the runtime kept, with the container's namespace.</summary>
public static class PrevResultCheck
{
    /// <summary>The container's interface, of the kind (null: any) and with the address that the result says.</summary>
    /// <exception cref="CniException">It is not in the result, gone, or another (100).</exception>
    public static Link Interface(Sandbox sandbox, string name, string? kind, AddResult result)
    {
        ResultInterface then = result.Interfaces.FirstOrDefault(each => each.Name == name && !string.IsNullOrEmpty(each.Sandbox))
            ?? throw Differs($"prevResult has no interface {name} of the container");
        Link link = sandbox.Route.FindLink(name) ?? throw Differs($"{name} in the container is gone");
        if (kind is not null && link.Kind != kind)
        {
            throw Differs($"{name} in the container is no {kind} any more");
        }

        // A plugin later in the list may have changed the address; it then says so in the result.
        return string.IsNullOrEmpty(then.Mac) || string.Equals(then.Mac, $"{link.Mac}", StringComparison.OrdinalIgnoreCase)
            ? link
            : throw Differs($"{name} in the container has the address {link.Mac}, not {then.Mac}");
    }

    /// <summary>Every address of the result is on the interface.</summary>
    /// <exception cref="CniException">One is not (100).</exception>
    public static void Addresses(Sandbox sandbox, Link link, AddResult result)
    {
        IReadOnlyList<InterfaceAddress> present = sandbox.Route.ListAddresses(link.Index);
        foreach (ResultIp ip in result.Ips)
        {
            if (IsOf(ip, link, result) && !present.Any(address => address.Address.Equals(ip.Address) && address.PrefixLength == ip.PrefixLength))
            {
                throw Differs($"{link.Name} in the container has not the address {ip.Text} any more");
            }
        }
    }

    /// <summary>Every route of the result is there, by destination; a plugin later in the list may have changed the way of the default one.</summary>
    /// <exception cref="CniException">One is not (100).</exception>
    public static void Routes(Sandbox sandbox, Link link, AddResult result)
    {
        if (result.Routes.Count == 0)
        {
            return;
        }

        IReadOnlyList<IpRoute> present = sandbox.Route.ListRoutes();
        foreach (ResultRoute route in result.Routes)
        {
            if (!present.Any(each => Matches(each, route)))
            {
                throw Differs($"the container's route to {route.Text} is gone or another");
            }
        }
    }

    /// <summary>The error that CHECK reports.</summary>
    public static CniException Differs(string difference) => new(CniErrorCode.NotAsAdded, difference);

    // An index that is absent or -1 says nothing about the interface.
    private static bool IsOf(ResultIp ip, Link link, AddResult result) =>
        ip.Interface is not int index || index < 0 || (index < result.Interfaces.Count && result.Interfaces[index].Name == link.Name);

    private static bool Matches(IpRoute present, ResultRoute wanted)
    {
        IPAddress network = wanted.PrefixLength == 0
            ? wanted.Destination
            : new IpPrefix(wanted.Destination, wanted.PrefixLength).Network.Address;
        return present.Type == RTN.UNICAST
            && present.PrefixLength == wanted.PrefixLength
            && present.Destination.Equals(network)
            && (wanted.PrefixLength == 0 || wanted.Gateway is null || wanted.Gateway.Equals(present.Gateway)
                || (present.Gateway is null && (wanted.Gateway.Equals(IPAddress.Any) || wanted.Gateway.Equals(IPAddress.IPv6Any))));
    }
}
