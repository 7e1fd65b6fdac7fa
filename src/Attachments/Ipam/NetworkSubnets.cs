using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Attachments;

/// <summary>
/// Subnets of networks whose configuration names none: one of each family, chosen when the network is first used so that they overlap
/// nothing that this host knows of, and kept until the network is removed (docs/adr/0007-dynamic-subnets.md).
/// </summary>
public sealed class NetworkSubnets
{
    /// <summary>systemd-resolved puts its stub into /etc/resolv.conf, and the servers that it asks into the second file.</summary>
    private static readonly string[] s_resolverFiles = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

    private readonly HostSettings _settings;
    private readonly INetlinkSockets _sockets;

    /// <summary>Takes the pools from the host-wide settings; the sockets tell what the host uses, and are opened only for a choice.</summary>
    public NetworkSubnets(HostSettings settings, INetlinkSockets sockets)
    {
        _settings = settings;
        _sockets = sockets;
    }

    /// <summary>Whether interfaces of this host can have IPv6 addresses: not where the kernel has no IPv6, nor where it is switched off.</summary>
    public static bool HasIpv6 =>
        Sysctl.Find("net/ipv6/conf/all/disable_ipv6") == "0" && Sysctl.Find("net/ipv6/conf/default/disable_ipv6") == "0";

    /// <summary>The network's subnets, IPv4 first; chosen and written down if it has none yet.</summary>
    /// <param name="network">The network's name.</param>
    /// <param name="dataDirectory">Where the network's own leases are; those of the host's directory count in any case.</param>
    /// <exception cref="SubnetsExhaustedException">Nothing is free.</exception>
    /// <exception cref="IpamConfigException">The store is damaged.</exception>
    /// <exception cref="LinuxException">The store cannot be written, or the host not be asked.</exception>
    public IReadOnlyList<IpPrefix> Ensure(string network, string dataDirectory)
    {
        using SubnetStore store = SubnetStore.Ensure(_settings.SubnetDirectory);
        if (store.FindSubnets(network) is { } known)
        {
            return known;
        }

        // Drawn before: both take the store's lock.
        SubnetPool own = SubnetPools.UniqueLocal(store.GetGlobalId());
        return store.EnsureSubnets(network, others => Choose(own, others, dataDirectory));
    }

    /// <summary>The network's subnets; null when none were chosen for it yet.</summary>
    /// <exception cref="IpamConfigException">The store is damaged.</exception>
    /// <exception cref="LinuxException">The store cannot be read.</exception>
    public IReadOnlyList<IpPrefix>? Find(string network)
    {
        using SubnetStore? store = SubnetStore.Find(_settings.SubnetDirectory);
        return store?.FindSubnets(network);
    }

    /// <summary>Refuses when the network has no subnets and could get none. Nothing is written.</summary>
    /// <exception cref="SubnetsExhaustedException">Nothing is free.</exception>
    public void RequireFree(string network, string dataDirectory)
    {
        using SubnetStore? store = SubnetStore.Find(_settings.SubnetDirectory);
        if (store?.FindSubnets(network) is not null)
        {
            return;
        }

        List<IpPrefix> others = [];
        foreach ((_, IReadOnlyList<IpPrefix> subnets) in store?.List() ?? [])
        {
            others.AddRange(subnets);
        }

        // Any block of our own will do for an answer: that the real one is full is not to be expected.
        Choose(SubnetPools.UniqueLocal(0), others, dataDirectory);
    }

    /// <summary>
    /// Forgets a network's subnets, for a network that is removed: another may get them then. False when it had none. A network with
    /// leases is not removed: its containers live in the subnet.
    /// </summary>
    /// <exception cref="CniException">It has leases (11).</exception>
    public bool TryDelete(string network, string dataDirectory)
    {
        using SubnetStore? store = SubnetStore.Find(_settings.SubnetDirectory);
        if (store?.FindSubnets(network) is null)
        {
            return false;
        }

        using LeaseStore? leases = LeaseStore.Find(dataDirectory, network);
        if (leases?.List() is [(var address, LeaseOwner owner), ..])
        {
            throw new CniException(
                CniErrorCode.TryAgainLater,
                $"network {network} is in use: {address} is leased to container {owner.ContainerId}; delete its containers first");
        }

        return store.TryDelete(network);
    }

    private List<IpPrefix> Choose(SubnetPool own, IReadOnlyList<IpPrefix> others, string dataDirectory)
    {
        List<IpPrefix> occupied = [.. others, .. LeaseStore.ListAddresses(_settings.DataDirectory)];
        if (dataDirectory != _settings.DataDirectory)
        {
            occupied.AddRange(LeaseStore.ListAddresses(dataDirectory));
        }

        AddResolvers(occupied);
        AddHost(occupied);
        (IReadOnlyList<SubnetPool> v4, IReadOnlyList<SubnetPool> v6) = _settings.AddressPools.Complete(own);
        return [SubnetChooser.Choose(v4, occupied), SubnetChooser.Choose(v6, occupied)];
    }

    private static void AddResolvers(List<IpPrefix> occupied)
    {
        foreach (string path in s_resolverFiles)
        {
            // Resolving names is not ours: a host without a readable file has no servers that we could cut off.
            foreach (string server in TryReadResolvers(path))
            {
                if (AddressText.TryParse(server, out System.Net.IPAddress address))
                {
                    Add(occupied, address, address.GetAddressBytes().Length * 8);
                }
            }
        }
    }

    private static IReadOnlyList<string> TryReadResolvers(string path)
    {
        try
        {
            return ResolvConf.Read(path).Nameservers;
        }
        catch (Exception e) when (e is LinuxException or IpamConfigException)
        {
            return [];
        }
    }

    private void AddHost(List<IpPrefix> occupied)
    {
        using RouteConnection route = RouteConnection.Open(_sockets);
        foreach (IpRoute each in route.ListRoutes())
        {
            Add(occupied, each.Destination, each.PrefixLength);
        }

        foreach (InterfaceAddress address in route.ListAddresses())
        {
            // With its prefix: the route to an interface that is down is not there, and comes back.
            Add(occupied, address.Address, address.PrefixLength);
        }
    }

    private static void Add(List<IpPrefix> occupied, System.Net.IPAddress address, int length)
    {
        // IPv4-mapped addresses with more than them around: ::ffff:0:0/90 and the like hold nothing that could be chosen.
        if (!address.IsIPv4MappedToIPv6 || length >= 96)
        {
            occupied.Add(new IpPrefix(address, length));
        }
    }
}
