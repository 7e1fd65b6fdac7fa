using System.Net;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;
using CniPlugins.Nftables;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>The host's side of a call: its settings, its records, and connections to the kernel in its namespace.</summary>
public sealed class Host : IDisposable
{
    private const int DeletionSlices = 120;

    private static readonly TimeSpan s_deletionSlice = TimeSpan.FromMilliseconds(250);

    private readonly INetlinkSockets _sockets;
    private readonly List<(Thread Thread, RouteConnection Route)> _asides = [];
    private PolicyStore? _policy;
    private LoopbackService? _loopback;

    private Host(INetlinkSockets sockets, HostSettings settings, StateDirectory state)
    {
        _sockets = sockets;
        Settings = settings;
        State = state;
        Records = AttachmentStore.Ensure(state);
        Route = RouteConnection.Open(sockets);
    }

    /// <summary>Host-wide defaults.</summary>
    public HostSettings Settings { get; }

    /// <summary>Links, addresses and routes of the host.</summary>
    public RouteConnection Route { get; }

    /// <summary>nftables of the host; the connection is opened when it is first wanted.</summary>
    public PolicyStore Policy => _policy ??= new PolicyStore(NftConnection.Open(_sockets)) { TableMissing = RestoreTable };

    /// <summary>Ports on loopback addresses; nothing is opened before it is wanted.</summary>
    internal LoopbackService Loopback => _loopback ??= new LoopbackService(Settings, State);

    internal StateDirectory State { get; }

    internal AttachmentStore Records { get; }

    /// <summary>Held by an ADD or DEL in progress; null when there is none.</summary>
    internal StateUse? Use { get; set; }

    /// <summary>Opens the host that the calling thread is in.</summary>
    /// <exception cref="CniException">The host-wide settings are wrong.</exception>
    /// <exception cref="LinuxException">The state directory or the kernel cannot be reached.</exception>
    public static Host Open(INetlinkSockets sockets, CniRequest request) => Open(sockets, HostSettings.Load(request));

    /// <summary>Opens the host that the calling thread is in, for a call that is no runtime's.</summary>
    /// <exception cref="CniException">The host-wide settings are wrong.</exception>
    /// <exception cref="LinuxException">The state directory or the kernel cannot be reached.</exception>
    public static Host Open(INetlinkSockets sockets, CniEnvironment environment) =>
        Open(sockets, HostSettings.Load(environment, directoriesOnly: true));

    /// <summary>What the attachments of a bridge share, with a note that the network uses it.</summary>
    /// <exception cref="LinuxException">The state directory cannot be written.</exception>
    public BridgeState UseBridge(string bridge, string network)
    {
        BridgeState state = BridgeState.Ensure(State, bridge);
        state.AddNetwork(network);
        return state;
    }

    /// <summary>Held while a routing table is chosen and taken in a container, so that no two plugins choose the same.</summary>
    /// <exception cref="LinuxException">The state directory cannot be written.</exception>
    public FileLock LockTables() => State.Lock("tables");

    /// <summary>Announcements about the host's links, from now on.</summary>
    /// <exception cref="LinuxException">No socket to be had.</exception>
    public KernelEvents ListenToLinks() => KernelEvents.Open(_sockets, RTNLGRP.LINK);

    /// <summary>Announcements about the host's IPv6 routes, from now on.</summary>
    /// <exception cref="LinuxException">No socket to be had.</exception>
    public KernelEvents ListenToRoutes() => KernelEvents.Open(_sockets, RTNLGRP.IPV6_ROUTE);

    /// <summary>The host's own addresses.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<IPAddress> ListAddresses() => [.. Route.ListAddresses().Select(static address => address.Address)];

    /// <summary>Makes the change of published ports count for clients that keep talking.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void ForgetConnections(IReadOnlyList<PublishedPort> ports)
    {
        try
        {
            ConntrackFlush.Run(_sockets, ports, ListAddresses);
        }
        catch (NetlinkException e) when (e.Errno is Errno.EINVAL or Errno.EOPNOTSUPP)
        {
            // A kernel without nf_conntrack_netlink: such a client is served anew when it has been silent for two minutes.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _policy?.Dispose();
        _loopback?.Dispose();
        foreach ((Thread thread, RouteConnection route) in _asides)
        {
            thread.Join();
            route.Dispose();
        }

        Route.Dispose();
        Records.Dispose();
        State.Dispose();
    }

    private static Host Open(INetlinkSockets sockets, HostSettings settings) =>
        new(sockets, settings, StateDirectory.Ensure(settings.StateDirectory));

    /// <summary>A table that we have made before was taken away by somebody, and with it what all the others had in it.</summary>
    private void RestoreTable(string table)
    {
        if (HostNotes.Has(State, table))
        {
            Use?.Alone(() => Reconciliation.Repair(this, []));
        }
        else
        {
            HostNotes.Add(State, table);
        }
    }

    /// <summary>
    /// Deletes a link and returns as soon as it is gone from the namespace. The request itself takes 15 to 19 ms longer, in an rcu_barrier
    /// (netdev_run_todo, net/core/dev.c): it ends on a thread of its own, while what is to be done next is done; <see cref="Dispose"/> waits for it. In that
    /// time the nftables connection can be closed, which after a deletion waits for a grace period as well. It must not be closed earlier: it waits
    /// with the mutex held that the link's deletion needs (nft_rcv_nl_event, net/netfilter/nf_tables_api.c).
    /// </summary>
    /// <exception cref="CniException">The link did not go (11).</exception>
    internal void DeleteLinkAside(Link link)
    {
        using KernelEvents events = ListenToLinks();
        RouteConnection route = RouteConnection.Open(_sockets);
        Exception? failure = null;
        Thread thread = new(
            () =>
            {
                try
                {
                    route.TryDeleteLink(link.Index);
                }
                catch (Exception e)
                {
                    failure = e;   // told by the link, which is still there
                }
            },
            maxStackSize: 256 * 1024);
        thread.Start();
        _asides.Add((thread, route));
        for (int slice = 0; !events.Wait(link.Index, () => Route.FindLink(link.Index) is null, s_deletionSlice); slice++)
        {
            if (failure is not null || slice == DeletionSlices)
            {
                throw new CniException(CniErrorCode.TryAgainLater, $"the link {link.Name} cannot be deleted: run DEL again", failure?.Message, failure);
            }
        }
    }
}
