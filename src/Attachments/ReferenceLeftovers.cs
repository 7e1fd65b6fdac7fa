using System.Net;
using System.Text;
using CniPlugins.Cni;
using CniPlugins.Netlink.Route;
using CniPlugins.Publishing.ReferenceRules;

namespace CniPlugins.Attachments;

/// <summary>Rules of attachments that the reference plugins made, and so without a record: the executables were replaced while containers ran.</summary>
internal static class ReferenceLeftovers
{
    /// <summary>Removes those of one attachment. To be called before its link goes.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void Remove(Removal removal, ReferenceParts parts)
    {
        AttachmentId id = removal.Id;
        ReferenceNames names = Names(id.Network, id.ContainerId) with
        {
            Interface = new ReferenceInterface(id.IfName, Digest($"{id.IfName}:{id.ContainerId}"), Digest(id.Network)),
        };
        removal.Host.Policy.Reference.Remove(parts, names, () => Addresses(removal));
    }

    /// <summary>Removes those of a network's containers that are not valid any more.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void RemoveStale(Host host, string network, HashSet<AttachmentId> valid)
    {
        HashSet<string> containers = [.. valid.Select(static id => id.ContainerId)];
        host.Policy.Reference.RemoveStale(
            network, containers.Contains, containerId => Names(network, containerId), name => host.Route.FindLink(name) is not null);
    }

    private static ReferenceNames Names(string network, string containerId) => new(containerId, Digest(network + containerId));

    private static string Digest(string text) => Sha512.Hex(Encoding.UTF8.GetBytes(text));

    /// <summary>What the runtime kept, and what the interface has.</summary>
    private static List<IPAddress> Addresses(Removal removal)
    {
        string ifName = removal.Id.IfName;
        List<IPAddress> addresses = [.. (removal.Config.PrevResult?.AddressesOf(ifName) ?? []).Select(static ip => ip.Address)];
        if (removal.Sandbox?.Route is RouteConnection route && route.FindLink(ifName) is Link link)
        {
            addresses.AddRange(route.ListAddresses(link.Index).Select(static each => each.Address));
        }

        return addresses;
    }
}
