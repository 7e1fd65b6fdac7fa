using System.Text;
using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>
/// Kernel parameters below /proc/sys. Those below net/ are the calling thread's namespace's. A name is a path
/// (<c>net/ipv4/conf/eth0.100/arp_notify</c>), since an interface's name may hold dots.
/// </summary>
public static class Sysctl
{
    private const string Root = "/proc/sys/";

    /// <summary>The value without its newline.</summary>
    /// <exception cref="LinuxException">ENOENT: this kernel or namespace has no such parameter.</exception>
    public static string Get(string name) => Find(name, out Errno errno) ?? throw new LinuxException("read", Root + name, errno);

    /// <summary>The value without its newline; null when there is no such parameter.</summary>
    public static string? Find(string name) => Find(name, out _);

    /// <summary>Writes the value.</summary>
    /// <exception cref="LinuxException">No such parameter, or the kernel refuses the value.</exception>
    public static void Set(string name, string value)
    {
        using SafeFileDescriptor file = SafeFileDescriptor.Open(Root + name, O_WRONLY);
        file.Write(Encoding.UTF8.GetBytes(value), Root + name);
    }

    /// <summary>Writes the value unless it is that already, so that a read-only /proc/sys is no hindrance. True when it was changed.</summary>
    /// <exception cref="LinuxException">No such parameter, or the kernel refuses the value.</exception>
    public static bool Ensure(string name, string value)
    {
        if (Get(name) == value)
        {
            return false;
        }

        Set(name, value);
        return true;
    }

    private static string? Find(string name, out Errno errno)
    {
        using SafeFileDescriptor? file = SafeFileDescriptor.TryOpen(Root + name, O_RDONLY, 0, out errno);
        if (file is null)
        {
            return null;
        }

        Span<byte> buffer = stackalloc byte[256];
        int length = file.Read(buffer, Root + name);
        return Encoding.UTF8.GetString(buffer[..length]).TrimEnd('\n');
    }
}
