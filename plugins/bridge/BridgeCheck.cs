using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Bridge;

/// <summary>CHECK: everything that ADD made, against the result that the runtime kept, the configuration and the record.</summary>
internal static class BridgeCheck
{
    public static void Run(BridgeConfig config, Inspection inspection)
    {
        (_, Host host, Sandbox sandbox, AttachmentRecord? record, AddResult result) = inspection;
        Link bridge = CheckBridge(config, host, result);
        Link container = PrevResultCheck.Interface(sandbox, inspection.IfName, "veth", result);
        CheckContainer(config, container);
        CheckPort(config, host, bridge, container, record);
        PrevResultCheck.Addresses(sandbox, container, result);
        PrevResultCheck.Routes(sandbox, container, result);
        if (config.IsGateway)
        {
            CheckGateways(config, host, result);
        }

        AttachmentPolicy.Check(inspection, BridgePolicy.Shared(config, result), config.GatewayDevice);
    }

    private static Link CheckBridge(BridgeConfig config, Host host, AddResult result)
    {
        Link bridge = host.Route.FindLink(config.BridgeName) ?? throw Differs($"the bridge {config.BridgeName} is gone");
        Require(bridge.Kind == "bridge", $"{bridge.Name} is no bridge any more");
        Require(bridge.IsUp, $"the bridge {bridge.Name} is down");
        Require(!config.Promiscuous || (bridge.Flags & IFF.PROMISC) != 0, $"the bridge {bridge.Name} is not promiscuous any more");
        Require(!config.HasVlans || bridge.VlanFiltering, $"the bridge {bridge.Name} does not filter VLANs any more");
        if (result.Interfaces.FirstOrDefault(each => each.Name == bridge.Name && string.IsNullOrEmpty(each.Sandbox)) is { Mac.Length: > 0 } then)
        {
            Require(
                string.Equals(then.Mac, $"{bridge.Mac}", StringComparison.OrdinalIgnoreCase),
                $"the bridge {bridge.Name} has the address {bridge.Mac}, and had {then.Mac}");
        }

        return bridge;
    }

    private static void CheckContainer(BridgeConfig config, Link container)
    {
        Require(config.ContainerInterfaceDown || container.IsUp, $"{container.Name} in the container is down");
        Require(config.Mtu is null || config.Mtu == container.Mtu, $"{container.Name} in the container has MTU {container.Mtu}, not {config.Mtu}");
    }

    /// <summary>By the peer's number, so that attachments made by the reference plugin, with a random name, pass as well.</summary>
    private static void CheckPort(BridgeConfig config, Host host, Link bridge, Link container, AttachmentRecord? record)
    {
        Link port = (container.Peer is InterfaceIndex peer ? host.Route.FindLink(peer) : null)
            ?? throw Differs($"the host's end of {container.Name} is gone");
        Require(port.Kind == "veth" && port.Master == bridge.Index, $"{port.Name} is no port of {bridge.Name} any more");
        Require(config.ContainerInterfaceDown || port.IsUp, $"the bridge port {port.Name} is down");
        bool hairpin = config.Hairpin || (record?.Ports.Count > 0 && !config.Promiscuous);
        Require(!hairpin || port.Port is { Hairpin: true }, $"the bridge port {port.Name} has hairpin mode off");
        Require(!config.IsolatesPort || port.Port is { Isolated: true }, $"the bridge port {port.Name} is not isolated any more");
        if (!config.HasVlans)
        {
            return;
        }

        HashSet<ushort> present = [.. host.Route.ListPortVlans(port.Index).Select(static vlan => vlan.Id)];
        foreach (VlanRange range in config.Trunk ?? [])
        {
            for (int id = range.First; id <= range.Last; id++)
            {
                Require(present.Contains((ushort)id), $"the bridge port {port.Name} does not carry VLAN {id} any more");
            }
        }

        Require(config.Vlan == 0 || present.Contains((ushort)config.Vlan), $"the bridge port {port.Name} is not in VLAN {config.Vlan} any more");
    }

    private static void CheckGateways(BridgeConfig config, Host host, AddResult result)
    {
        Link device = host.Route.FindLink(config.GatewayDevice) ?? throw Differs($"the gateway's interface {config.GatewayDevice} is gone");
        IReadOnlyList<InterfaceAddress> addresses = host.Route.ListAddresses(device.Index);
        foreach (ResultIp ip in result.Ips)
        {
            Require(
                ip.Gateway is null || addresses.Any(address => address.Address.Equals(ip.Gateway)),
                $"the gateway address {ip.Gateway} is not on {device.Name} any more");
            string forwarding = ip.Address.AddressFamily == AddressFamily.InterNetwork ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding";
            Require(Sysctl.Find(forwarding) == "1", $"the host does not forward any more: {forwarding} is not 1");
        }
    }

    private static void Require(bool holds, string difference)
    {
        if (!holds)
        {
            throw Differs(difference);
        }
    }

    private static CniException Differs(string difference) => PrevResultCheck.Differs(difference);
}
