using CniPlugins.Ipam;
using CniPlugins.Linux;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Attachments;

/// <summary>
/// Removes what attachments share once the last of them is gone: the bridge if we made it, its gateway addresses, the elements of its network, and with the
/// host's last attachment the tables.
/// </summary>
internal static class SharedParts
{
    /// <summary>Removes what a network shared, if it has no attachment left.</summary>
    /// <exception cref="IOException">The kernel or the state directory refused.</exception>
    public static void RemoveIfUnused(Host host, string network)
    {
        if (!host.Records.MayHaveNone(network))
        {
            return;   // the usual case: no lock, whatever the number of attachments
        }

        using FileLock alone = host.Records.LockExclusive();
        if (!host.Records.TryDeleteNetwork(network))
        {
            return;   // an ADD came in between
        }

        foreach (string bridge in BridgeState.List(host.State))
        {
            RemoveFromBridge(host, bridge, network);
        }

        if (host.Records.HasNone())
        {
            host.Policy.Forward.RemoveIfUnused();
            host.Policy.RemoveTables();
            host.Loopback.Compare([], repair: true);
            HostNotes.Delete(host.State);
        }
    }

    private static void RemoveFromBridge(Host host, string bridge, string network)
    {
        using BridgeState state = BridgeState.Ensure(host.State, bridge);
        if (!state.RemoveNetwork(network))
        {
            return;
        }

        host.Policy.Remove(state.ListElements());
        IReadOnlyList<(string Device, string AdminChain)> forwarded = state.ListForwarded();
        foreach ((string device, _) in forwarded)
        {
            host.Policy.Forward.Remove(device);
        }

        if (forwarded.Count > 0)
        {
            host.Policy.Forward.RemoveIfUnused();
        }

        foreach (string device in state.ListLocalnet())
        {
            if (host.Route.FindLink(device) is Link link)
            {
                host.Route.SetRouteLocalnet(link.Index, allowed: false);
            }
        }

        foreach ((string device, string address) in state.ListAddresses())
        {
            RemoveAddress(host, device, address);
        }

        DeleteLinks(host, state);
        BridgeState.Delete(host.State, bridge);
    }

    private static void RemoveAddress(Host host, string device, string text)
    {
        if (host.Route.FindLink(device) is Link link && IpPrefix.TryParse(text, out IpPrefix prefix))
        {
            host.Route.TryDeleteAddress(link.Index, new InterfaceAddress(prefix.Address, prefix.Length));
        }
    }

    /// <summary>The pairs of VLANs first, so that they do not count as ports of the bridge. A bridge with a foreign port stays.</summary>
    private static void DeleteLinks(Host host, BridgeState state)
    {
        Link? bridge = null;
        foreach (string name in state.ListLinks())
        {
            if (host.Route.FindLink(name) is not Link link || !BridgeState.IsOurs(link))
            {
                continue;
            }

            if (name == state.Bridge)
            {
                bridge = link;
            }
            else
            {
                host.Route.TryDeleteLink(link.Index);
            }
        }

        if (bridge is not null && !host.Route.ListLinks().Any(link => link.Master == bridge.Index))
        {
            host.Route.TryDeleteLink(bridge.Index);
        }
    }
}
