using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;
using CniPlugins.Publishing.ReferenceRules;

namespace CniPlugins.Plugins.Bridge;

/// <summary>The CNI type <c>bridge</c>: containers on a bridge of the host, with addresses, a way out, and published ports.</summary>
public sealed class BridgePlugin : AttachmentPlugin<BridgeConfig>
{
    private static readonly TimeSpan s_forwardingTime = TimeSpan.FromSeconds(5);

    /// <summary>Talks to the kernel by these sockets.</summary>
    public BridgePlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "bridge";

    /// <inheritdoc/>
    protected override ReferenceParts LeftByReference => ReferenceParts.All;

    /// <inheritdoc/>
    protected override CniRequest Complete(CniRequest request, Host host) => BridgeDefaults.Expand(request, host);

    /// <inheritdoc/>
    protected override BridgeConfig Read(CniRequest request, Host host) => BridgeConfig.Read(request, host.Settings);

    /// <summary>Lease → bridge → pair → addresses and routes → gateway → policy and published ports → announcement → result.</summary>
    protected override AddResult Attach(BridgeConfig config, Attachment attachment)
    {
        (Host host, Sandbox sandbox) = (attachment.Host, attachment.Sandbox);
        AddResult lease = BridgeGateway.Plan(config, attachment.TakeLease());
        AttachmentPolicy policy = BridgePolicy.Plan(config, attachment, lease);

        using BridgeState shared = host.UseBridge(config.BridgeName, attachment.Id.Network);
        Link bridge = BridgeLink.Ensure(host, shared, config);
        VethPair veth = VethPair.Add(attachment, bridge.Index, config.Mtu, config.Mac);
        BridgeLink.ConfigurePort(host, config, bridge, veth.Host);

        Link device = bridge;
        if (lease.Ips.Count > 0)
        {
            if (config.IsGateway)
            {
                device = BridgeGateway.EnsureDevice(host, shared, config, bridge);
                BridgeGateway.EnsureAddresses(host, shared, config, device, lease);
                Forwarding.Enable(host, lease);
            }

            ContainerInterface.Configure(sandbox, veth.Container, lease, config.Detection);
        }
        else if (!config.ContainerInterfaceDown)
        {
            sandbox.Route.SetUp(veth.Container.Index);
        }

        attachment.Update(BridgePolicy.Note(policy, attachment, config, lease, veth));
        policy.Apply(shared, device);
        if (!config.ContainerInterfaceDown)
        {
            AwaitForwarding(host, veth.Host);
            Announce(host, sandbox, veth, device, lease);
        }

        return Result(attachment, config, bridge, veth, device, lease);
    }

    /// <inheritdoc/>
    protected override void CheckAttached(BridgeConfig config, Inspection inspection) => BridgeCheck.Run(config, inspection);

    /// <inheritdoc/>
    protected override bool NeedsTables(CniRequest request) => true;

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets)
    {
        using RouteConnection route = RouteConnection.Open(sockets);
        route.AddLink(new LinkRequest { Name = "bridge", Kind = new BridgeKind(VlanFiltering: false) });
        route.AddLink(new LinkRequest { Name = "veth", Kind = new VethKind { PeerName = "peer" } });
        AttachmentPolicy.TryKernel(sockets);
    }

    /// <summary>
    /// A port forwards once the kernel has seen its carrier (linkwatch), a moment after the container's end is up. What is sent before is lost, and a
    /// runtime starts the container the moment we return.
    /// </summary>
    private static void AwaitForwarding(Host host, Link port)
    {
        if (IsForwarding(host, port))
        {
            return;
        }

        using KernelEvents events = host.ListenToLinks();
        if (!events.Wait(port.Index, () => IsForwarding(host, port), s_forwardingTime))
        {
            throw new CniException(
                CniErrorCode.TryAgainLater,
                $"the bridge port {port.Name} did not begin to forward within {s_forwardingTime.TotalSeconds} s: is spanning tree on for this bridge?");
        }
    }

    private static bool IsForwarding(Host host, Link port) =>
        host.Route.GetLink(port.Index) is { OperState: IF_OPER.UP, Port.State: BR_STATE.FORWARDING };

    /// <summary>
    /// Whoever has talked to the last owner of an address has its link-layer address in mind for up to a minute. The host forgets it; the others are told by
    /// the announcement that setting the interface's address brings about, now that the port forwards.
    /// </summary>
    private static void Announce(Host host, Sandbox sandbox, VethPair veth, Link device, AddResult lease)
    {
        if (lease.Ips.Count == 0)
        {
            return;
        }

        foreach (ResultIp ip in lease.Ips)
        {
            host.Route.TryDeleteNeighbour(device.Index, ip.Address);
        }

        sandbox.Route.SetMac(veth.Container.Index, veth.Container.Mac!.Value);
    }

    private static AddResult Result(Attachment attachment, BridgeConfig config, Link bridge, VethPair veth, Link device, AddResult lease)
    {
        const int ContainerInterface = 2;

        // Read again: a bridge that is not ours takes the lowest address among its ports.
        List<ResultInterface> interfaces =
        [
            new ResultInterface(bridge.Name, $"{attachment.Host.Route.GetLink(bridge.Index).Mac}"),
            new ResultInterface(veth.Host.Name, $"{veth.Host.Mac}"),
            new ResultInterface(veth.Container.Name, $"{veth.Container.Mac}", Sandbox: attachment.Request.NetnsPath),
        ];
        if (device != bridge)
        {
            interfaces.Add(new ResultInterface(config.GatewayDevice, $"{device.Mac}"));
        }

        return lease with
        {
            Interfaces = interfaces,
            Ips = [.. lease.Ips.Select(static ip => ip with { Interface = ContainerInterface })],
        };
    }
}
