using System.Net;
using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Bridge;

/// <summary>The host as the containers' gateway: its addresses on the bridge, or on the interface of a VLAN of it.</summary>
internal static class BridgeGateway
{
    /// <summary>
    /// Completes a lease: a gateway for every address (the first host address of its subnet unless the lease names one), and a default route for every family
    /// that has none by a gateway.
    /// </summary>
    public static AddResult Plan(BridgeConfig config, AddResult lease)
    {
        if (!config.IsGateway)
        {
            return lease;
        }

        List<ResultIp> ips = [];
        List<ResultRoute> routes = [.. lease.Routes];
        foreach (ResultIp ip in lease.Ips)
        {
            ResultIp complete = ip with { Gateway = ip.Gateway ?? FirstHost(ip) };
            ips.Add(complete);
            if (config.IsDefaultGateway && !routes.Exists(route => IsDefault(route, ip.Address.AddressFamily)))
            {
                routes.Add(new ResultRoute(Any(ip.Address.AddressFamily), 0, complete.Gateway));
            }
        }

        return lease with { Ips = ips, Routes = routes };
    }

    /// <summary>The interface that carries the gateway addresses, made if it is a VLAN's.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static Link EnsureDevice(Host host, BridgeState state, BridgeConfig config, Link bridge)
    {
        if (config.GatewayDevice == bridge.Name)
        {
            return bridge;
        }

        state.AddLink(config.GatewayDevice);
        return host.Route.FindLink(config.GatewayDevice) ?? AddVlanDevice(host, config, bridge);
    }

    /// <summary>Puts the gateway addresses of a lease on the interface.</summary>
    /// <exception cref="CniException">Another address of the same subnet is there, and is not to be replaced (7).</exception>
    public static void EnsureAddresses(Host host, BridgeState state, BridgeConfig config, Link device, AddResult lease)
    {
        IReadOnlyList<InterfaceAddress> present = host.Route.ListAddresses(device.Index);
        foreach (ResultIp ip in lease.Ips)
        {
            IpPrefix gateway = new(ip.Gateway!, ip.PrefixLength);
            if (!present.Any(address => IsSame(address, gateway)))
            {
                MakeRoom(host, config, device, gateway, present);
                state.AddAddress(device.Name, gateway.ToString());
                host.Route.EnsureAddress(device.Index, new InterfaceAddress(gateway.Address, gateway.Length) { Flags = DadFlag(gateway) });
            }
        }
    }

    /// <summary>
    /// Several gateways on one bridge are fine as long as their subnets do not overlap; of one subnet there can be only one, since its containers were told so.
    /// </summary>
    private static void MakeRoom(Host host, BridgeConfig config, Link device, IpPrefix gateway, IReadOnlyList<InterfaceAddress> present)
    {
        foreach (InterfaceAddress address in present)
        {
            if (address.Scope != RT_SCOPE.UNIVERSE || !new IpPrefix(address.Address, address.PrefixLength).Overlaps(gateway))
            {
                continue;
            }

            if (!config.ForceAddress)
            {
                throw new CniException(
                    CniErrorCode.InvalidConfig,
                    $"{device.Name} has the address {address}, which overlaps the gateway {gateway}: remove it, choose another subnet, or set forceAddress to replace it");
            }

            host.Route.TryDeleteAddress(device.Index, address);
        }
    }

    private static Link AddVlanDevice(Host host, BridgeConfig config, Link bridge)
    {
        string portName = AttachmentNames.VlanPort(bridge.Name, config.Vlan);
        host.Route.AddLink(new LinkRequest
        {
            Name = portName,
            Master = bridge.Index,
            Mtu = config.Mtu,
            Up = true,
            Kind = new VethKind { PeerName = config.GatewayDevice, PeerMac = BridgeState.DeriveMac(config.GatewayDevice), PeerMtu = config.Mtu },
        });
        BridgeLink.SetVlans(host, config, bridge, host.Route.GetLink(portName), trunk: null);
        Link device = host.Route.GetLink(config.GatewayDevice);
        host.Route.SetUp(device.Index);
        return device;
    }

    private static bool IsSame(InterfaceAddress address, IpPrefix gateway) =>
        address.Address.Equals(gateway.Address) && address.PrefixLength == gateway.Length;

    // We give out every address of the subnet, so nobody else can have the gateway's.
    private static IFA_F DadFlag(IpPrefix gateway) => gateway.Family == AddressFamily.InterNetworkV6 ? IFA_F.NODAD : 0;

    private static bool IsDefault(ResultRoute route, AddressFamily family) =>
        route.PrefixLength == 0 && route.Gateway is not null && route.Destination.AddressFamily == family;

    private static IPAddress Any(AddressFamily family) => family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;

    private static IPAddress FirstHost(ResultIp ip) =>
        AddressMath.ToAddress(AddressMath.ToNumber(new IpPrefix(ip.Address, ip.PrefixLength).Network.Address) + 1);
}
