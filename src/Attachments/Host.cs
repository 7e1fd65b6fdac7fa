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
    private readonly INetlinkSockets _sockets;
    private PolicyStore? _policy;
    private Thread? _closing;

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
    public PolicyStore Policy => _policy ??= new PolicyStore(NftConnection.Open(_sockets));

    internal StateDirectory State { get; }

    internal AttachmentStore Records { get; }

    /// <summary>Opens the host that the calling thread is in.</summary>
    /// <exception cref="CniException">The host-wide settings are wrong.</exception>
    /// <exception cref="LinuxException">The state directory or the kernel cannot be reached.</exception>
    public static Host Open(INetlinkSockets sockets, CniRequest request)
    {
        HostSettings settings = HostSettings.Load(request.Environment);
        return new Host(sockets, settings, StateDirectory.Ensure(settings.StateDirectory));
    }

    /// <summary>What the attachments of a bridge share, with a note that the network uses it.</summary>
    /// <exception cref="LinuxException">The state directory cannot be written.</exception>
    public BridgeState UseBridge(string bridge, string network)
    {
        BridgeState state = BridgeState.Ensure(State, bridge);
        state.AddNetwork(network);
        return state;
    }

    /// <summary>Announcements about the host's links, from now on.</summary>
    /// <exception cref="LinuxException">No socket to be had.</exception>
    public KernelEvents ListenToLinks() => KernelEvents.Open(_sockets, RTNLGRP.LINK);

    /// <inheritdoc/>
    public void Dispose()
    {
        _policy?.Dispose();
        _closing?.Join();
        Route.Dispose();
        Records.Dispose();
        State.Dispose();
    }

    /// <summary>
    /// Closes the nftables connection while other work goes on. After a deletion the kernel holds the close up for an RCU grace period
    /// (12 to 16 ms; nf_tables_destroy_list behind nfnetlink's release), as long as deleting a link takes: both wait together.
    /// </summary>
    internal void ClosePolicyAside()
    {
        if (_policy is PolicyStore policy)
        {
            _policy = null;
            _closing?.Join();
            _closing = new Thread(policy.Dispose, maxStackSize: 64 * 1024);
            _closing.Start();
        }
    }
}
