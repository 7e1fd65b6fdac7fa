using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;

namespace CniPlugins.Attachments;

/// <summary>The pair that joins a container to its host.</summary>
/// <param name="Host">The host's end.</param>
/// <param name="Container">The container's end, in the container's namespace.</param>
public sealed record VethPair(Link Host, Link Container)
{
    /// <summary>
    /// Makes the pair by one request: the host's end under the attachment's derived name, enslaved and up; the container's end born in its
    /// namespace under its final name. Nothing is moved or renamed afterwards.
    /// </summary>
    /// <param name="attachment">The attachment.</param>
    /// <param name="master">What the host's end is enslaved to; null: nothing.</param>
    /// <param name="mtu">MTU of both ends in bytes; null: the kernel's.</param>
    /// <param name="mac">Address of the container's end; null: random.</param>
    /// <exception cref="CniException">The interface's name is taken (4).</exception>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static VethPair Add(Attachment attachment, InterfaceIndex? master, int? mtu, MacAddress? mac)
    {
        (Host host, Sandbox sandbox) = (attachment.Host, attachment.Sandbox);
        string name = AttachmentNames.HostInterface(attachment.Id);
        LinkRequest request = new()
        {
            Name = name,
            Mtu = mtu,
            Master = master,
            Up = true,
            Kind = new VethKind
            {
                PeerName = attachment.Id.IfName,
                PeerNamespace = sandbox.Namespace.Descriptor,
                PeerMtu = mtu,
                PeerMac = mac,
            },
        };
        try
        {
            host.Route.AddLink(request);
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
        {
            if (host.Route.FindLink(name) is not { Kind: "veth" } stale)
            {
                throw Attachment.NameTaken(attachment.Id, e);
            }

            // Its name is this attachment's alone, and there is no such attachment: its record was lost.
            host.Route.TryDeleteLink(stale.Index);
            host.Route.AddLink(request);
        }

        Link hostEnd = host.Route.GetLink(name);
        host.Route.AddAlternativeName(hostEnd.Index, FullName(attachment));
        return new VethPair(hostEnd, sandbox.Route.GetLink(attachment.Id.IfName));
    }

    /// <summary>The alternative name: the whole identity, or as much as fits (ALTIFNAMSIZ less the NUL) with a hash behind it.</summary>
    private static string FullName(Attachment attachment)
    {
        const int Longest = 127;
        string full = attachment.Comment;
        return System.Text.Encoding.UTF8.GetByteCount(full) <= Longest ? full : $"{full[..100]}~{AttachmentNames.Hash(full)}";
    }
}
