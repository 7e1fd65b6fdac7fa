using System.Globalization;
using System.Text;
using CniPlugins.Cni;

namespace CniPlugins.Attachments;

/// <summary>
/// Names that follow from the attachment, so that they can be predicted by an operator and found again by a DEL that knows nothing else.
/// </summary>
public static class AttachmentNames
{
    /// <summary>The host's end of the pair: <c>veth</c> and 11 hexadecimal digits of the attachment's hash, 15 bytes in all.</summary>
    public static string HostInterface(AttachmentId attachment) => Derive("veth", $"{attachment.Network}\0{attachment.ContainerId}\0{attachment.IfName}");

    /// <summary>The host's link through which what the container sends is shaped.</summary>
    public static string Shaper(AttachmentId attachment) => Derive("ifb", $"{attachment.Network}\0{attachment.ContainerId}\0{attachment.IfName}");

    /// <summary>What the reference plugins call the same. The interface's name is not part of it.</summary>
    public static string ReferenceShaper(AttachmentId attachment) =>
        string.Concat("bwp", Sha512.Hex(Encoding.UTF8.GetBytes(attachment.Network + attachment.ContainerId)).AsSpan(0, 12));

    /// <summary>A bridge for a network that does not name one.</summary>
    public static string Bridge(string network) => Derive("br-", network);

    /// <summary>The host's own interface beside those of a network's containers, on one master.</summary>
    public static string Shim(string network) => Derive("shim", network);

    /// <summary>The bridge's end of the pair that carries a VLAN's gateway.</summary>
    public static string VlanPort(string bridge, int vlan) => Derive("vlan", $"{bridge}\0{vlan}");

    /// <summary>The full identity: alternative name of the host's interface, and comment of every nftables element.</summary>
    public static string Full(AttachmentId attachment) => $"{attachment.Network}/{attachment.ContainerId}/{attachment.IfName}";

    /// <summary>A hash in hexadecimal digits, for names of files that would be too long.</summary>
    internal static string Hash(string text) => Fnv1a(text).ToString("x16", CultureInfo.InvariantCulture);

    private static string Derive(string prefix, string text) => string.Concat(prefix, Hash(text).AsSpan(0, 11));

    // FNV-1a, 64 bits. Names need spread, not secrecy; at 60,000 containers 44 bits collide once in ten thousand hosts.
    private static ulong Fnv1a(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in text)
        {
            hash = unchecked((hash ^ c) * 1099511628211);
        }

        // FNV's high bits spread badly over short texts that differ at the end: fold them (MurmurHash3's finaliser).
        hash ^= hash >> 33;
        hash = unchecked(hash * 0xff51afd7ed558ccd);
        return hash ^ (hash >> 33);
    }
}
