using System.Text;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;

namespace CniPlugins.Plugins.Tuning;

/// <summary>
/// The file in which the reference plugin keeps what an interface had before, <c>DATADIR/CONTAINER_IFNAME.json</c>. It is written so that the reference can do
/// the DEL of our ADD, and read for the opposite.
/// </summary>
internal static class ReferenceBackup
{
    /// <summary>Where the reference has it unless <c>dataDir</c> says otherwise.</summary>
    public const string DefaultDirectory = "/run/cni/tuning";

    private const int LargestFile = 64 << 10;
    private const int LongestName = 240;   // leaves room within NAME_MAX for the name it is written under

    /// <summary>Writes it. A name that no file can have is left out, which the reference could not read either.</summary>
    /// <exception cref="LinuxException">It cannot be written.</exception>
    public static void Write(string path, AttachmentId id, LinkSettings before)
    {
        if (NameOf(id) is not string name)
        {
            return;
        }

        GoJsonWriter writer = new();
        writer.BeginObject();
        writer.Member("mac", before.Mac?.ToString());
        WriteBool(writer, "promisc", before.Promiscuous);
        writer.Member("mtu", before.Mtu);
        WriteBool(writer, "allmulti", before.AllMulticast);
        writer.Member("txQLen", (int?)before.TxQueueLength);
        writer.EndObject();
        using StateDirectory directory = StateDirectory.Ensure(path);
        using StateFile file = StateFile.Replace(directory, name, writer.ToBytes());
    }

    /// <summary>Reads it; null when there is none, or none that can be read: then there is nothing to put back.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public static LinkSettings? Find(string path, AttachmentId id)
    {
        using StateDirectory? directory = Directory.Exists(path) ? StateDirectory.Find(path) : null;
        byte[] buffer = new byte[LargestFile];
        if (NameOf(id) is not string name || directory?.FindContent(name, buffer, out _) is not int length)
        {
            return null;
        }

        try
        {
            ConfigObject root = ConfigText.ParseObject(buffer.AsMemory(0, length), name);
            return new LinkSettings
            {
                Mac = MacAddress.TryParse(root.FindString("mac") ?? string.Empty, out MacAddress mac) ? mac : null,
                Promiscuous = root.FindBool("promisc"),
                Mtu = root.FindInt32("mtu") is int mtu and > 0 ? mtu : null,
                AllMulticast = root.FindBool("allmulti"),
                TxQueueLength = (uint?)root.FindInt64("txQLen", 0, uint.MaxValue),
            };
        }
        catch (CniException)
        {
            return null;   // cut short by a crash: the reference takes it the same way
        }
    }

    /// <summary>Deletes it; none is success.</summary>
    /// <exception cref="LinuxException">It may not be deleted.</exception>
    public static void Delete(string path, AttachmentId id)
    {
        try
        {
            using StateDirectory? directory = StateDirectory.Find(path);
            if (NameOf(id) is string name)
            {
                directory?.TryDelete(name);
            }
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOTDIR)
        {
            // A configuration that named a file, which is why its ADD failed: there is nothing in it.
        }
    }

    private static string? NameOf(AttachmentId id) =>
        $"{id.ContainerId}_{id.IfName}.json" is string name && Encoding.UTF8.GetByteCount(name) <= LongestName ? name : null;

    private static void WriteBool(GoJsonWriter writer, string key, bool? value)
    {
        if (value is bool known)
        {
            writer.Key(key);
            writer.Boolean(known);
        }
    }
}
