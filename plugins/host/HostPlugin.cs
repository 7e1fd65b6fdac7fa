using System.Net;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Host;

/// <summary>
/// The container shares the host's network: nothing is made, changed or published, and the answer says what the host has. CNI_IFNAME and
/// the results of plugins before this one do not matter.
/// </summary>
public sealed class HostPlugin : Plugin
{
    private readonly INetlinkSockets _sockets;

    /// <summary>Takes the way to the kernel.</summary>
    public HostPlugin(INetlinkSockets sockets) => _sockets = sockets;

    /// <inheritdoc/>
    public override string Type => "host";

    /// <inheritdoc/>
    public override bool SharesHostNamespace => true;

    /// <summary>ADD: the host's interfaces that are up, and their global addresses.</summary>
    public override AddResult Add(CniRequest request)
    {
        RequireOwnNamespace(request);
        WarnOfPorts(request);
        using RouteConnection route = RouteConnection.Open(_sockets);
        IReadOnlyList<InterfaceAddress> addresses = route.ListAddresses();
        List<ResultInterface> interfaces = [];
        List<ResultIp> ips = [];
        foreach (Link link in route.ListLinks())
        {
            List<InterfaceAddress> global = ListGlobal(addresses, link);

            // A bridge's or bond's port without an address is no interface of its own, and comes and goes with other containers.
            if (!link.IsUp || (link.Master is not null && global.Count == 0))
            {
                continue;
            }

            foreach (InterfaceAddress address in global)
            {
                ips.Add(new ResultIp(address.Address, address.PrefixLength, Interface: interfaces.Count));
            }

            interfaces.Add(new ResultInterface(link.Name, link.Mac?.ToString()));
        }

        return new AddResult { Interfaces = interfaces, Ips = ips, Dns = request.Config.Dns ?? new DnsSettings() };
    }

    /// <summary>DEL: nothing was made.</summary>
    public override void Delete(CniRequest request)
    {
    }

    /// <summary>CHECK: what the result says of the host is still so.</summary>
    public override void Check(CniRequest request)
    {
        RequireOwnNamespace(request);
        AddResult result = request.Config.PrevResult!;   // PluginHost has seen to it
        using RouteConnection route = RouteConnection.Open(_sockets);
        IReadOnlyList<InterfaceAddress> addresses = route.ListAddresses();
        for (int i = 0; i < result.Interfaces.Count; i++)
        {
            // One with a sandbox is a container's, by another plugin of the list.
            if (result.Interfaces[i].Sandbox is null)
            {
                CheckInterface(route, addresses, result, i);
            }
        }
    }

    private static void CheckInterface(
        RouteConnection route, IReadOnlyList<InterfaceAddress> addresses, AddResult result, int position)
    {
        ResultInterface expected = result.Interfaces[position];
        Link? link = CniNames.IsInterfaceName(expected.Name) ? route.FindLink(expected.Name) : null;
        if (link is not { IsUp: true })
        {
            throw Changed($"the host's interface {expected.Name} is {(link is null ? "gone" : "down")}");
        }

        if (expected.Mac is not null && !expected.Mac.Equals(link.Mac?.ToString(), StringComparison.OrdinalIgnoreCase))
        {
            throw Changed($"the host's interface {expected.Name} has the hardware address {link.Mac} instead of {expected.Mac}");
        }

        List<InterfaceAddress> present = ListGlobal(addresses, link);
        foreach (ResultIp ip in result.Ips)
        {
            if (ip.Interface == position && !Has(present, ip.Address))
            {
                throw Changed($"the host's interface {expected.Name} has no address {ip.Text} any more");
            }
        }
    }

    private static bool Has(List<InterfaceAddress> present, IPAddress address)
    {
        foreach (InterfaceAddress each in present)
        {
            if (each.Address.Equals(address))
            {
                return true;
            }
        }

        return false;
    }

    private static CniException Changed(string what) =>
        new(CniErrorCode.NotAsAdded, $"{what}: if that is meant, delete (DEL) the container's attachment and add (ADD) it again");

    private static List<InterfaceAddress> ListGlobal(IReadOnlyList<InterfaceAddress> addresses, Link link)
    {
        List<InterfaceAddress> global = [];
        foreach (InterfaceAddress address in addresses)
        {
            if (address.Index == link.Index && address.Scope == RT_SCOPE.UNIVERSE)
            {
                global.Add(address);
            }
        }

        return global;
    }

    private static void RequireOwnNamespace(CniRequest request)
    {
        if (request.NetnsPath is not string path)
        {
            return;
        }

        try
        {
            using NetworkNamespace named = NetworkNamespace.Open(path);
            if (named.IsCurrent)
            {
                return;
            }
        }
        catch (LinuxException e)
        {
            throw NotOwn(path, "cannot be opened as a network namespace", e.Message);
        }

        throw NotOwn(path, "is a network namespace of its own", null);
    }

    private static CniException NotOwn(string path, string what, string? details) => new(
        CniErrorCode.InvalidNetns,
        $"CNI_NETNS \"{path}\" {what}: a container of a \"host\" network shares the host's, so leave CNI_NETNS empty or name the "
        + "caller's own; for a container with a namespace of its own use the type \"bridge\", or \"none\" for one without a network",
        details);

    private static void WarnOfPorts(CniRequest request)
    {
        if (request.Config.RuntimeConfig?.FindArray("portMappings") is { Count: > 0 } mappings)
        {
            request.Warn(
                $"network {request.Config.Name}: {mappings.Count} port mapping(s) of container {request.Attachment.ContainerId} are "
                + "ignored: it shares the host's network, so whatever it listens on is reachable already, at the port of the container");
        }
    }
}
