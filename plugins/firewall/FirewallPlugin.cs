using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Publishing;
using CniPlugins.Publishing.ReferenceRules;

namespace CniPlugins.Plugins.Firewall;

/// <summary>The CNI type <c>firewall</c>: says who may open connections to a container that another plugin has connected, and lets its own through.</summary>
public sealed class FirewallPlugin : ChainedPlugin<FirewallConfig>
{
    /// <summary>Talks to the kernel by these sockets.</summary>
    public FirewallPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "firewall";

    /// <inheritdoc/>
    protected override ReferenceParts LeftByReference => ReferenceParts.Access;

    /// <summary>As the reference: from 0.4.0 on.</summary>
    public override IReadOnlyList<CniVersion> Versions => [.. CniVersion.Supported.Where(static version => version >= new CniVersion(0, 4, 0))];

    /// <inheritdoc/>
    protected override FirewallConfig? Read(CniRequest request, Host host) => FirewallConfig.Read(request.Config.Root);

    /// <summary>The way into the host → what is barred, in one transaction → the bridge's port → what iptables would drop.</summary>
    protected override AddResult Apply(FirewallConfig config, Attachment attachment, AddResult previous)
    {
        Host host = attachment.Host;
        bool forwarded = host.Policy.Forward.IsNeeded();
        if (config.Ingress == IngressPolicy.Open && !forwarded)
        {
            return previous;
        }

        if (Find(host, attachment.Sandbox, attachment.Id.IfName, previous) is not HostWay way)
        {
            return config.Ingress == IngressPolicy.Open ? previous : throw new CniException(
                CniErrorCode.InvalidConfig,
                $"ingressPolicy cannot be kept: {attachment.Id.IfName} is no end of a veth pair, and its packets pass by this host's rules; remove the key, or use a bridge");
        }

        AttachmentPolicy policy = AttachmentPolicy.Plan(attachment, [], masquerade: false, new PublishRequest([], []));
        using BridgeState? shared = way.Bridge is null ? null : host.UseBridge(way.Bridge.Name, attachment.Id.Network);
        if (shared is null)
        {
            policy.AddOwn(Barred(config, way, attachment.Comment));
        }
        else
        {
            policy.AddShared(Barred(config, way));
        }

        attachment.Update(policy.Noted(attachment.Record with
        {
            Device = way.Device.Name,
            Forwarded = forwarded && shared is null ? way.Device.Name : null,
            AdminChain = forwarded && shared is null ? config.AdminChain : null,
        }));
        policy.Apply(shared, way.Device);
        if (config.Ingress == IngressPolicy.Isolated && way is { Bridge: not null, Port.Port: { Isolated: false } settings })
        {
            // Frames within the bridge do not pass the rules, unless br_netfilter is on. The port goes with the container: nothing is to be put back.
            host.Route.SetBridgePort(way.Port.Index, settings.Hairpin, isolated: true);
        }

        if (forwarded)
        {
            shared?.AddForwarded(way.Device.Name, config.AdminChain);
            host.Policy.Forward.Ensure(way.Device.Name, config.AdminChain);
        }

        return previous;
    }

    /// <inheritdoc/>
    protected override void CheckApplied(FirewallConfig config, Inspection inspection)
    {
        // Without a record the reference plugin made it, and its rules are its own.
        if (inspection.Record is null || Find(inspection.Host, inspection.Sandbox, inspection.IfName, inspection.Result) is not HostWay way)
        {
            return;
        }

        AttachmentPolicy.Check(inspection, way.Bridge is null ? [] : Barred(config, way), way.Device.Name);
        if (config.Ingress == IngressPolicy.Isolated && way is { Bridge: not null, Port.Port: not { Isolated: true } })
        {
            throw PrevResultCheck.Differs($"the bridge port {way.Port.Name} is not isolated any more");
        }

        if (!inspection.Host.Policy.Forward.IsInPlace(way.Device.Name))
        {
            throw PrevResultCheck.Differs($"iptables drops what comes from {way.Device.Name}, or goes there: {Reconciliation.Advice}");
        }
    }

    /// <inheritdoc/>
    protected override bool NeedsTables(CniRequest request) => true;

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets) => AttachmentPolicy.TryKernel(sockets);

    private static HostWay? Find(Host host, Sandbox sandbox, string ifName, AddResult result) =>
        HostWay.Find(host, sandbox, ifName, result.AddressesOf(ifName));

    private static IReadOnlyList<RuleElement> Barred(FirewallConfig config, HostWay way, string? owner = null) => config.Ingress switch
    {
        IngressPolicy.Open => [],
        IngressPolicy.SameBridge => PolicyElements.Isolated(way.Device.Name, owner),
        _ => PolicyElements.IsolatedWithin(way.Device.Name, owner),
    };
}
