using System.Text;
using CniPlugins.Linux;

namespace CniPlugins.Attachments;

/// <summary>
/// What we made for the host as a whole, one file each below <c>host/</c> in the state directory, written before the thing is made: what is noted and not there
/// was taken away by somebody. A note counts for the boot that it was written in, and goes with the host's last attachment.
/// </summary>
internal static class HostNotes
{
    private const string Folder = "host";

    /// <summary>Whether it was made in this boot.</summary>
    /// <exception cref="LinuxException">It cannot be read.</exception>
    public static bool Has(StateDirectory root, string name)
    {
        using StateDirectory? notes = root.FindDirectory(Folder);
        Span<byte> content = stackalloc byte[64];
        return notes?.FindContent(name, content, out _) is int length && Encoding.UTF8.GetString(content[..length]) == BootId.Current;
    }

    /// <summary>Notes it, if it is not noted.</summary>
    /// <exception cref="LinuxException">It cannot be written.</exception>
    public static void Add(StateDirectory root, string name)
    {
        if (Has(root, name))
        {
            return;
        }

        using StateDirectory notes = root.EnsureDirectory(Folder, 0x1C0 /* 0700 */);
        notes.TryDelete(name);   // of another boot
        StateFiles.TryCreate(notes, name, Encoding.UTF8.GetBytes(BootId.Current));
    }

    /// <summary>Forgets one; none is success.</summary>
    /// <exception cref="LinuxException">It may not be removed.</exception>
    public static void Remove(StateDirectory root, string name)
    {
        using StateDirectory? notes = root.FindDirectory(Folder);
        notes?.TryDelete(name);
    }

    /// <summary>Forgets all of it. The caller holds the state alone.</summary>
    /// <exception cref="LinuxException">It may not be removed.</exception>
    public static void Delete(StateDirectory root)
    {
        using (StateDirectory? notes = root.FindDirectory(Folder))
        {
            foreach (string name in notes?.ListNames() ?? [])
            {
                notes!.TryDelete(name);
            }
        }

        root.TryDeleteDirectory(Folder);
    }
}
