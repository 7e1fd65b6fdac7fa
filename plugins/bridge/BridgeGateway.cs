using System.Net;
using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Linux;
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
        Link device = host.Route.FindLink(config.GatewayDevice) ?? AddVlanDevice(host, config, bridge);
        if (host.Route.FindLink(AttachmentNames.VlanPort(bridge.Name, config.Vlan)) is Link port)
        {
            BridgeLink.SetVlans(host, config, bridge, port, trunk: null);
        }

        if (!device.IsUp)
        {
            HostInterface.Harden(device.Name);
            host.Route.SetUp(device.Index);
        }

        return device;
    }

    /// <summary>Puts the gateway addresses of a lease on the interface.</summary>
    /// <exception cref="CniException">Another address of the same subnet is there, and is not to be replaced (7).</exception>
    public static void EnsureAddresses(Host host, BridgeState state, BridgeConfig config, Link device, AddResult lease)
    {
        IReadOnlyList<InterfaceAddress> present = host.Route.ListAddresses(device.Index);
        EnsureLinkLocal(host, device, lease, present);
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

    /// <summary>
    /// The host asks for a container's link-layer address from the bridge's link-local address when it forwards (ndisc_solicit, net/ipv6/ndisc.c). The
    /// kernel makes that address when it has seen the carrier, tries it for a second, and asks nobody before: so it gets the same address from us at once.
    /// </summary>
    private static void EnsureLinkLocal(Host host, Link device, AddResult lease, IReadOnlyList<InterfaceAddress> present)
    {
        if (!BridgeState.IsOurs(device)
            || !lease.Ips.Any(static ip => ip.Address.AddressFamily == AddressFamily.InterNetworkV6)
            || present.Any(static address => address.Scope == RT_SCOPE.LINK && address.Address.IsIPv6LinkLocal))
        {
            return;
        }

        host.Route.EnsureAddress(device.Index, new InterfaceAddress(LinkLocal(device.Mac!.Value), 64) { Flags = IFA_F.NODAD });
    }

    /// <summary>fe80::/64 and the modified EUI-64 (RFC 4291 appendix A).</summary>
    private static IPAddress LinkLocal(MacAddress mac)
    {
        Span<byte> octets = stackalloc byte[6];
        mac.WriteTo(octets);
        return new IPAddress(
            [0xfe, 0x80, 0, 0, 0, 0, 0, 0, (byte)(octets[0] ^ 2), octets[1], octets[2], 0xff, 0xfe, octets[3], octets[4], octets[5]]);
    }

    private static Link AddVlanDevice(Host host, BridgeConfig config, Link bridge)
    {
        LinkRequest port = new()
        {
            Name = AttachmentNames.VlanPort(bridge.Name, config.Vlan),
            Master = bridge.Index,
            Mtu = config.Mtu,
            Up = true,
            Kind = new VethKind { PeerName = config.GatewayDevice, PeerMac = BridgeState.DeriveMac(config.GatewayDevice), PeerMtu = config.Mtu },
        };
        try
        {
            host.Route.AddLink(port);
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST && host.Route.FindLink(config.GatewayDevice) is not null)
        {
            // Another ADD made it meanwhile.
        }

        return host.Route.GetLink(config.GatewayDevice);
    }

    private static bool IsSame(InterfaceAddress address, IpPrefix gateway) =>
        address.Address.Equals(gateway.Address) && address.PrefixLength == gateway.Length;

    // We give out every address of the subnet, so nobody else can have the gateway's.
    private static IFA_F DadFlag(IpPrefix gateway) => gateway.Family == AddressFamily.InterNetworkV6 ? IFA_F.NODAD : 0;

    // One without a gateway gets the first gateway of its family: the very same route, which the kernel would refuse as a second one.
    private static bool IsDefault(ResultRoute route, AddressFamily family) =>
        route.PrefixLength == 0 && route.Destination.AddressFamily == family;

    private static IPAddress Any(AddressFamily family) => family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;

    private static IPAddress FirstHost(ResultIp ip) =>
        AddressMath.ToAddress(AddressMath.ToNumber(new IpPrefix(ip.Address, ip.PrefixLength).Network.Address) + 1);
}
