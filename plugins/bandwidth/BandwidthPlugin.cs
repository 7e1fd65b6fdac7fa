using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.Bandwidth;

/// <summary>The CNI type <c>bandwidth</c>: limits how fast a container on a pair receives and sends.</summary>
public sealed class BandwidthPlugin : ChainedPlugin<BandwidthConfig>
{
    /// <summary>Talks to the kernel by these sockets.</summary>
    public BandwidthPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "bandwidth";

    /// <inheritdoc/>
    protected override BandwidthConfig? Read(CniRequest request, Host host) => BandwidthConfig.Read(request);

    /// <summary>The host's end → noted → token bucket on it → link to redirect to, with its bucket → redirect → result.</summary>
    protected override AddResult Apply(BandwidthConfig config, Attachment attachment, AddResult previous)
    {
        Host host = attachment.Host;
        Link pair = GetHostEnd(host, attachment.Sandbox, attachment.Id.IfName, previous);
        Shaper.Remove(host, attachment.Id, pair.Name);   // of an ADD whose record was lost
        RequireUnused(host, pair);
        attachment.Update(attachment.Record with { Device = pair.Name });
        if (config.Ingress is TokenBucket ingress)
        {
            host.Route.ReplaceTokenBucket(pair.Index, Shaper.Handle, ingress);
        }

        if (config.Egress is not TokenBucket egress)
        {
            return previous;
        }

        Link shaper = AddShaper(attachment, pair.Mtu);
        host.Route.ReplaceTokenBucket(shaper.Index, Shaper.Handle, egress);
        host.Route.EnsureIngress(pair.Index);
        host.Route.AddRedirect(pair.Index, shaper.Index);
        return previous with { Interfaces = [.. previous.Interfaces, new ResultInterface(shaper.Name, $"{shaper.Mac}")] };
    }

    /// <inheritdoc/>
    protected override void CheckApplied(BandwidthConfig config, Inspection inspection)
    {
        Host host = inspection.Host;
        Link pair = GetHostEnd(host, inspection.Sandbox, inspection.IfName, inspection.Result);
        if (config.Ingress is TokenBucket ingress)
        {
            CheckBucket(host, pair, ingress);
        }

        if (config.Egress is not TokenBucket egress)
        {
            return;
        }

        Link shaper = Shaper.Find(host, inspection.Request.Attachment)
            ?? throw PrevResultCheck.Differs($"the link {AttachmentNames.Shaper(inspection.Request.Attachment)} that shapes what the container sends is gone");
        CheckBucket(host, shaper, egress);
        if (!shaper.IsUp || host.Route.FindRedirect(pair.Index) != shaper.Index)
        {
            throw PrevResultCheck.Differs($"what the container sends does not go through {shaper.Name}: it is down, or {pair.Name} does not redirect to it");
        }
    }

    /// <inheritdoc/>
    protected override void Remove(Removal removal)
    {
        // Without a record the pair is known by its name, if it is one of ours; and the reference's redirects go with their pair.
        string device = removal.Record?.Device ?? AttachmentNames.HostInterface(removal.Id);
        removal.Steps.Try("remove what shaped its traffic", () => Shaper.Remove(removal.Host, removal.Id, device));
    }

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets)
    {
        using RouteConnection route = RouteConnection.Open(sockets);
        route.AddLink(new LinkRequest { Name = "shaper", Kind = new IfbKind(), Up = true });
        InterfaceIndex index = route.GetLink("shaper").Index;
        route.ReplaceTokenBucket(index, Shaper.Handle, TokenBucket.WithLatency(125_000, 125_000, TimeSpan.FromMilliseconds(25)));
        route.EnsureIngress(index);
        route.AddRedirect(index, InterfaceIndex.Loopback);
    }

    /// <summary>The other end of the container's pair. An index alone may lead to some other link, so it must point back, and be in the result.</summary>
    private Link GetHostEnd(Host host, Sandbox sandbox, string ifName, AddResult previous)
    {
        Link container = GetInterface(sandbox, ifName);
        if (container.Kind != "veth" || container.Peer is not InterfaceIndex peer
            || host.Route.FindLink(peer) is not { Kind: "veth" } end || end.Peer != container.Index)
        {
            throw Invalid($"{ifName} in the container has no other end in the host (it is a {container.Kind ?? "device"}): only pairs (veth) can be shaped, as bridge and ptp make them");
        }

        return previous.Interfaces.Any(each => each.Name == end.Name && string.IsNullOrEmpty(each.Sandbox))
            ? end
            : throw Invalid($"prevResult does not name {end.Name}, the host's end of {ifName}: put bandwidth behind the plugin that made it");
    }

    /// <summary>What somebody else put there is neither replaced nor mixed with ours. A handle of 0 is the kernel's own choice.</summary>
    private static void RequireUnused(Host host, Link pair)
    {
        if (host.Route.FindQdisc(pair.Index, TC_H.ROOT) is { Handle: not 0 } root)
        {
            throw Invalid($"{pair.Name} has a queueing discipline {root.Kind} already: remove it (tc qdisc del dev {pair.Name} root)");
        }

        if (host.Route.FindQdisc(pair.Index, TC_H.INGRESS) is Qdisc ingress)
        {
            throw Invalid($"{pair.Name} has a queueing discipline {ingress.Kind} already: remove it (tc qdisc del dev {pair.Name} {ingress.Kind})");
        }
    }

    private static Link AddShaper(Attachment attachment, int mtu)
    {
        RouteConnection route = attachment.Host.Route;
        string name = AttachmentNames.Shaper(attachment.Id);
        try
        {
            route.AddLink(new LinkRequest { Name = name, Kind = new IfbKind(), Mtu = mtu, Up = true });
        }
        catch (NetlinkException e) when (e.Errno == Errno.EOPNOTSUPP)
        {
            throw new CniException(
                CniErrorCode.KernelLacksFeature, "this kernel has no ifb links, which shape what a container sends: load the module ifb", e.Message, e);
        }

        return route.GetLink(name);
    }

    private static void CheckBucket(Host host, Link link, TokenBucket expected)
    {
        if (host.Route.FindQdisc(link.Index, TC_H.ROOT)?.TokenBucket is not TokenBucket found || !expected.IsSame(found))
        {
            throw PrevResultCheck.Differs($"{link.Name} has not the token bucket that the configuration asks for");
        }
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
