using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>Removes the interface that a driver made for a container.</summary>
internal static class ContainerLink
{
    /// <summary>Removes it; gone already is success.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void Remove(Removal removal)
    {
        Host host = removal.Host;
        AttachmentRecord? record = removal.Record;

        // By its name, which follows from the attachment, and only a veth: a record in a state directory is not trusted to name a link.
        if (host.Route.FindLink(AttachmentNames.HostInterface(removal.Id)) is { Kind: "veth" } veth)
        {
            if (record?.Elements.Count > 0)
            {
                host.DeleteLinkAside(veth);   // nftables has something to wait for as well
            }
            else
            {
                host.Route.TryDeleteLink(veth.Index);
            }

            return;
        }

        // The container's namespace is looked into only for what has no end in the host, or no record: made by another plugin, or with its record lost.
        if ((record is null || record.LinkKind is not null)
            && removal.Sandbox?.Route.FindLink(removal.Id.IfName) is Link link
            && (record is null ? (link.Flags & IFF.LOOPBACK) == 0 : link.Kind == record.LinkKind))
        {
            removal.Sandbox.Route.TryDeleteLink(link.Index);
        }

        // An ADD may have died before it gave the interface its final name.
        if (record?.LinkKind is string kind && removal.Sandbox?.Route.FindLink(AttachmentNames.HostInterface(removal.Id)) is Link unnamed && unnamed.Kind == kind)
        {
            removal.Sandbox.Route.TryDeleteLink(unnamed.Index);
        }
    }
}
