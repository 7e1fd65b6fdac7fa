using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Bridge;

/// <summary>The bridge itself, and the settings of a container's port on it.</summary>
internal static class BridgeLink
{
    /// <summary>
    /// Finds the bridge or makes it. One that we made is known by its link-layer address, which follows from its name and the boot: an address set at birth
    /// also never changes with the ports.
    /// </summary>
    /// <exception cref="CniException">What bears the name is no bridge, or cannot carry what is asked (7); the kernel has no bridges (100).</exception>
    public static Link Ensure(Host host, BridgeState state, BridgeConfig config)
    {
        Link? bridge = host.Route.FindLink(config.BridgeName);
        if (bridge is null)
        {
            state.AddLink(config.BridgeName);
            Add(host, config);
            bridge = host.Route.GetLink(config.BridgeName);
        }

        if (bridge.Kind != "bridge")
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"{config.BridgeName} exists and is no bridge{Describe(bridge)}: name another one, or remove it");
        }

        bool ours = BridgeState.IsOurs(bridge);
        if (ours)
        {
            state.AddLink(bridge.Name);   // again: a crash may have come between the bridge and the last network's note
        }

        return Adjust(host, config, bridge, ours);
    }

    /// <summary>Hairpin, isolation and VLANs of the host's end of a pair.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static void ConfigurePort(Host host, BridgeConfig config, Link bridge, Link port)
    {
        bool hairpin = NeedsHairpin(config);
        if (hairpin || config.IsolatesPort)
        {
            host.Route.SetBridgePort(port.Index, hairpin, config.IsolatesPort);
        }

        if (config.HasVlans)
        {
            SetVlans(host, config, bridge, port, config.Trunk);
        }
    }

    /// <summary>
    /// A container that reaches its own published port by the host's address gets its frame back by the port it came from, when br_netfilter translates
    /// it within the bridge (br_nf_pre_routing_finish).
    /// </summary>
    public static bool NeedsHairpin(BridgeConfig config) => config.Hairpin || (config.Publish.Ports.Count > 0 && !config.Promiscuous);

    /// <summary>The port's VLANs: the untagged one, the trunk's tagged ones, and the bridge's default one only if it is to be kept.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static void SetVlans(Host host, BridgeConfig config, Link bridge, Link port, IReadOnlyList<VlanRange>? trunk)
    {
        ushort initial = bridge.DefaultPvid;
        if (!config.PreserveDefaultVlan && initial != 0 && initial != config.Vlan)
        {
            host.Route.TryDeletePortVlans(port.Index, new VlanRange(initial, initial));
        }

        // A trunk alone leaves untagged frames in VLAN 1, as the reference does.
        ushort untagged = (ushort)(config.Vlan == 0 ? 1 : config.Vlan);
        host.Route.AddPortVlans(port.Index, new VlanRange(untagged, untagged), pvidUntagged: true);
        foreach (VlanRange range in trunk ?? [])
        {
            host.Route.AddPortVlans(port.Index, range, pvidUntagged: false);
        }
    }

    private static void Add(Host host, BridgeConfig config)
    {
        try
        {
            host.Route.AddLink(new LinkRequest
            {
                Name = config.BridgeName,
                Mtu = config.Mtu,
                Mac = BridgeState.DeriveMac(config.BridgeName),
                Kind = new BridgeKind(config.HasVlans),
            });
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
        {
            return;   // another ADD made it meanwhile
        }
        catch (NetlinkException e) when (e.Errno == Errno.EOPNOTSUPP)
        {
            string what = config.HasVlans ? "bridges that filter VLANs (CONFIG_BRIDGE_VLAN_FILTERING)" : "bridges (CONFIG_BRIDGE)";
            throw new CniException(CniErrorCode.KernelLacksFeature, $"this kernel has no {what}: load the module, or use another kernel", e.Message, e);
        }
    }

    private static Link Adjust(Host host, BridgeConfig config, Link bridge, bool ours)
    {
        if (config.HasVlans && !bridge.VlanFiltering)
        {
            if (!ours)
            {
                throw new CniException(
                    CniErrorCode.InvalidConfig,
                    $"bridge {bridge.Name} does not filter VLANs, so vlan and vlanTrunk would do nothing: run \"ip link set {bridge.Name} type bridge vlan_filtering 1\", or name another bridge");
            }

            host.Route.SetVlanFiltering(bridge.Index);
        }

        // The address of a bridge that is not ours follows its ports' until somebody sets it (br_stp_recalculate_bridge_id), and containers would go on
        // sending to the gateway's old one. An empty bridge may have none yet: the next ADD sees to it.
        if (!ours && config.IsGateway && bridge.Mac is MacAddress mac && mac.IsUnicast && mac != default)
        {
            host.Route.SetMac(bridge.Index, mac);
        }

        if (ours && config.Mtu is int mtu && mtu != bridge.Mtu)
        {
            host.Route.SetMtu(bridge.Index, mtu);
        }

        if (config.Promiscuous && (bridge.Flags & IFF.PROMISC) == 0)
        {
            host.Route.SetPromiscuous(bridge.Index, on: true);
        }

        if (!bridge.IsUp)
        {
            if (ours)
            {
                HostInterface.Harden(bridge.Name);
            }

            host.Route.SetUp(bridge.Index);
        }

        return config.HasVlans ? host.Route.GetLink(bridge.Index) : bridge;
    }

    private static string Describe(Link link) => link.Kind is null ? string.Empty : $" but a {link.Kind}";
}
