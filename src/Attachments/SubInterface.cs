using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;

namespace CniPlugins.Attachments;

/// <summary>A container's interface that has no end in the host: it hangs on a master, or on nothing.</summary>
public static class SubInterface
{
    /// <summary>
    /// Makes it by one request: born in the container under its final name, while its master is looked up where it is. Nothing is moved or renamed
    /// afterwards.
    /// </summary>
    /// <param name="attachment">The attachment.</param>
    /// <param name="master">What it hangs on; null: nothing.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="mac">Its address; null: the kernel's choice.</param>
    /// <exception cref="CniException">There is no such master (7), the name is taken (4), or the kernel has no such kind (101).</exception>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static Link Add(Attachment attachment, MasterRequest? master, ILinkKind kind, MacAddress? mac)
    {
        (Host host, Sandbox sandbox) = (attachment.Host, attachment.Sandbox);
        Link? parent = master?.Get(host, sandbox);
        bool fromHost = master is { InContainer: false };
        attachment.Update(attachment.Record with { LinkKind = kind.Kind });
        LinkRequest request = new()
        {
            Name = attachment.Id.IfName,
            Kind = kind,
            Parent = parent?.Index,
            Namespace = fromHost ? sandbox.Namespace.Descriptor : null,
            Mtu = master?.Mtu,
            Mac = mac,
        };
        try
        {
            (fromHost ? host.Route : sandbox.Route).AddLink(request);
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST && fromHost && IsNameOfHostAlone(attachment))
        {
            // Older kernels look the name up where the request is made, not where the interface is born (__rtnl_newlink): 6.18 does not, 6.12 does.
            string other = AttachmentNames.HostInterface(attachment.Id);
            host.Route.AddLink(request with { Name = other });
            sandbox.Route.SetName(sandbox.Route.GetLink(other).Index, attachment.Id.IfName);
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST && sandbox.Route.FindLink(attachment.Id.IfName) is not null)
        {
            throw Attachment.NameTaken(attachment.Id, e);
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST && parent is not null)
        {
            throw new CniException(
                CniErrorCode.TryAgainLater, $"{parent.Name} carries such a {kind.Kind} already: remove what has it, or choose another", e.Message, e);
        }
        catch (NetlinkException e) when (e.Errno == Errno.EOPNOTSUPP)
        {
            throw new CniException(
                CniErrorCode.KernelLacksFeature, $"this kernel has no {kind.Kind} interfaces: load the module, or use another kernel", e.Message, e);
        }
        catch (NetlinkException e) when (e.Errno is Errno.EBUSY or Errno.EINVAL && parent is not null)
        {
            // A macvlan on what an ipvlan hangs on, or the other way round; a second passthru; an interface that cannot carry it, such as lo.
            throw new CniException(
                CniErrorCode.InvalidConfig, $"{parent.Name} cannot carry a {kind.Kind}: choose another master, or see what hangs on it (ip -d link)", e.Message, e);
        }

        return sandbox.Route.GetLink(attachment.Id.IfName);
    }

    private static bool IsNameOfHostAlone(Attachment attachment) =>
        attachment.Sandbox.Route.FindLink(attachment.Id.IfName) is null && attachment.Host.Route.FindLink(attachment.Id.IfName) is not null;

    /// <summary>Gives it the addresses and routes of the lease, or without any just brings it up, and describes it.</summary>
    /// <param name="attachment">The attachment.</param>
    /// <param name="link">The interface.</param>
    /// <param name="lease">What address management gave.</param>
    /// <param name="detection">Which addresses are tried on the link before they are used.</param>
    /// <exception cref="CniException">An address is in use on the link (11).</exception>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static AddResult Configure(Attachment attachment, Link link, AddResult lease, DuplicateDetection detection)
    {
        if (lease.Ips.Count > 0)
        {
            ContainerInterface.Configure(attachment.Sandbox, link, lease, detection);
        }
        else
        {
            attachment.Sandbox.Route.SetUp(link.Index);
        }

        return lease with
        {
            Interfaces = [new ResultInterface(link.Name, $"{link.Mac}", Sandbox: attachment.Request.NetnsPath)],
            Ips = [.. lease.Ips.Select(static ip => ip with { Interface = 0 })],
        };
    }

    /// <summary>CHECK: the interface is there, of its kind (null: any), up, with its addresses and routes.</summary>
    /// <returns>The interface.</returns>
    /// <exception cref="CniException">Something differs (100).</exception>
    public static Link Check(Inspection inspection, string? kind, MasterRequest? master)
    {
        (_, Host host, Sandbox sandbox, _, AddResult result) = inspection;
        Link link = PrevResultCheck.Interface(sandbox, inspection.IfName, kind, result);
        if (!link.IsUp)
        {
            throw PrevResultCheck.Differs($"{link.Name} in the container is down");
        }

        if (master is not null && link.Peer != master.Get(host, sandbox).Index)
        {
            throw PrevResultCheck.Differs($"{link.Name} in the container hangs on another interface than {master.Name ?? "the default route's"}");
        }

        PrevResultCheck.Addresses(sandbox, link, result);
        PrevResultCheck.Routes(sandbox, link, result);
        return link;
    }

    /// <summary>Tries, in the caller's namespace, whether the kernel has the kind.</summary>
    /// <exception cref="NetlinkException">It has not.</exception>
    public static void TryKernel(INetlinkSockets sockets, ILinkKind kind, bool hangs)
    {
        using RouteConnection route = RouteConnection.Open(sockets);
        if (hangs)
        {
            route.AddLink(new LinkRequest { Name = "master", Kind = new VethKind { PeerName = "peer" } });
        }

        route.AddLink(new LinkRequest { Name = "sub", Kind = kind, Parent = hangs ? route.GetLink("master").Index : null });
    }
}
