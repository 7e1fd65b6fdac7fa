using System.Net.Sockets;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;
using CniPlugins.Publishing.ReferenceRules;

namespace CniPlugins.Plugins.Ptp;

/// <summary>The CNI type <c>ptp</c>: each container on a pair of its own, with the host as the router between them.</summary>
public sealed class PtpPlugin : AttachmentPlugin<PtpConfig>
{
    /// <summary>Talks to the kernel by these sockets.</summary>
    public PtpPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "ptp";

    /// <inheritdoc/>
    protected override ReferenceParts LeftByReference => ReferenceParts.All;

    /// <inheritdoc/>
    protected override PtpConfig Read(CniRequest request, Host host) => PtpConfig.Read(request, host.Settings);

    /// <summary>Lease → pair → the host's end as gateway → addresses and routes → policy and published ports → result.</summary>
    protected override AddResult Attach(PtpConfig config, Attachment attachment)
    {
        Host host = attachment.Host;
        AddResult lease = attachment.TakeLease();
        RequireGateways(lease);
        AttachmentPolicy policy = AttachmentPolicy.Plan(attachment, [.. lease.Ips.Select(static ip => ip.Address)], config.Masquerade, config.Publish);
        VethPair veth = VethPair.Add(attachment, master: null, config.Mtu, InterfaceKeys.ReadMac(attachment.Request));
        if (config.Masquerade || config.Publish.Ports.Count > 0)
        {
            policy.AddOwn(lease.Ips.Select(ip => AttachmentPolicy.Network(ip, veth.Host.Name, attachment.Comment)));
        }

        Forwarding.Enable(host, lease);
        RouteToContainer(host, veth.Host, lease);
        ContainerInterface.Configure(attachment.Sandbox, veth.Container, lease, DuplicateDetection.None, routed: true);
        attachment.Update(policy.Noted(attachment.Record with
        {
            Device = veth.Host.Name,
            Addresses = [.. lease.Ips.Select(static ip => ip.Address)],
        }));
        policy.Apply(shared: null, veth.Host);
        return lease with
        {
            Interfaces =
            [
                new ResultInterface(veth.Host.Name, $"{veth.Host.Mac}"),
                new ResultInterface(veth.Container.Name, $"{veth.Container.Mac}", Sandbox: attachment.Request.NetnsPath),
            ],
            Ips = [.. lease.Ips.Select(static ip => ip with { Interface = 1 })],
        };
    }

    /// <inheritdoc/>
    protected override void CheckAttached(PtpConfig config, Inspection inspection)
    {
        (_, Host host, Sandbox sandbox, _, AddResult result) = inspection;
        Link container = PrevResultCheck.Interface(sandbox, inspection.IfName, "veth", result);
        PrevResultCheck.Addresses(sandbox, container, result);
        PrevResultCheck.Routes(sandbox, container, result);
        Link hostEnd = (container.Peer is InterfaceIndex peer ? host.Route.FindLink(peer) : null)
            ?? throw PrevResultCheck.Differs($"the host's end of {container.Name} is gone");
        IReadOnlyList<InterfaceAddress> gateways = host.Route.ListAddresses(hostEnd.Index);
        foreach (ResultIp ip in result.AddressesOf(inspection.IfName))
        {
            if (ip.Gateway is not null && !gateways.Any(address => address.Address.Equals(ip.Gateway)))
            {
                throw PrevResultCheck.Differs($"the gateway address {ip.Gateway} is not on {hostEnd.Name} any more");
            }

            if (host.Route.FindOutput(ip.Address)?.Index != hostEnd.Index)
            {
                throw PrevResultCheck.Differs($"the host's route to {ip.Address} is gone or another");
            }
        }

        AttachmentPolicy.Check(inspection, [], hostEnd.Name);
    }

    /// <inheritdoc/>
    protected override bool NeedsTables(CniRequest request) => true;

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets)
    {
        using RouteConnection route = RouteConnection.Open(sockets);
        route.AddLink(new LinkRequest { Name = "veth", Kind = new VethKind { PeerName = "peer" } });
        AttachmentPolicy.TryKernel(sockets);
    }

    private static void RequireGateways(AddResult lease)
    {
        foreach (ResultIp ip in lease.Ips)
        {
            if (ip.Gateway is null || ip.Gateway.AddressFamily != ip.Address.AddressFamily || ip.Gateway.Equals(ip.Address))
            {
                throw new CniException(
                    CniErrorCode.InvalidConfig, $"{ip.Text} has no gateway beside itself, which the host would be: set \"gateway\" in the ipam section");
            }
        }
    }

    /// <summary>The host answers for the gateway on every pair, with its address alone, and knows each container by a route of its own.</summary>
    private static void RouteToContainer(Host host, Link hostEnd, AddResult lease)
    {
        HostInterface.Harden(hostEnd.Name);
        foreach (ResultIp ip in lease.Ips)
        {
            int length = ip.Address.GetAddressBytes().Length * 8;
            bool v6 = ip.Address.AddressFamily == AddressFamily.InterNetworkV6;
            host.Route.EnsureAddress(hostEnd.Index, new InterfaceAddress(ip.Gateway!, length) { Flags = v6 ? IFA_F.NODAD : 0 });
            host.Route.AddRoute(new IpRoute(ip.Address, length) { Output = hostEnd.Index, Scope = v6 ? RT_SCOPE.UNIVERSE : RT_SCOPE.LINK });
        }
    }
}
