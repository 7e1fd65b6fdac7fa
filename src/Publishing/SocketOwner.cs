using System.Globalization;
using System.Text;

namespace CniPlugins.Publishing;

/// <summary>
/// Names the process that has a port, as far as /proc tells: the socket's inode from /proc/self/net, then the process with a descriptor of it.
/// For error messages: nothing depends on it, so whatever cannot be read is passed over.
/// </summary>
internal static class SocketOwner
{
    /// <summary>Such as <c>nginx (pid 812)</c>; null when it cannot be told.</summary>
    public static string? Find(PublishedPort port)
    {
        string protocol = port.Protocol switch
        {
            PortProtocol.Tcp => "tcp",
            PortProtocol.Udp => "udp",
            _ => string.Empty,
        };
        if (port.Protocol == PortProtocol.Sctp)
        {
            return null;   // its table has another form, and no inode that would lead to a process on every kernel
        }

        foreach (string table in (ReadOnlySpan<string>)[protocol, protocol + "6"])
        {
            foreach (string line in ReadLines($"/proc/thread-self/net/{table}"))
            {
                if (InodeOf(line, port) is string inode && FindProcess(inode) is string process)
                {
                    return process;
                }
            }
        }

        return null;
    }

    // "  sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid  timeout inode": proc(5)
    private static string? InodeOf(string line, PublishedPort port)
    {
        const string Listening = "0A";       // TCP_LISTEN
        const string Unconnected = "07";     // TCP_CLOSE: what an unconnected UDP socket shows

        string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 10 || fields[1].LastIndexOf(':') is int colon && colon < 0 || fields[3] is not (Listening or Unconnected))
        {
            return null;
        }

        return ushort.TryParse(
            fields[1].AsSpan(colon + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort local)
            && local == port.HostPort ? fields[9] : null;
    }

    private static string? FindProcess(string inode)
    {
        string target = $"socket:[{inode}]";
        foreach (string directory in List("/proc"))
        {
            string pid = Path.GetFileName(directory);
            if (!char.IsAsciiDigit(pid[0]))
            {
                continue;
            }

            foreach (string descriptor in List(directory + "/fd"))
            {
                if (ReadLink(descriptor) == target)
                {
                    string name = string.Concat(ReadLines(directory + "/comm"));
                    return $"{Printable(name)} (pid {pid})";
                }
            }
        }

        return null;
    }

    private static string? ReadLink(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // the process ended, or is not ours to look at
        }
    }

    private static string[] List(string directory)
    {
        try
        {
            return Directory.GetFileSystemEntries(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];   // the process ended, or is not ours to look at
        }
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];   // no such table in this kernel, or the process ended
        }
    }

    // A process chooses its own name: nothing but printable ASCII of it reaches a log.
    private static string Printable(string text)
    {
        StringBuilder printable = new(text.Length);
        foreach (char c in text)
        {
            printable.Append(c is >= ' ' and <= '~' ? c : '?');
        }

        return printable.ToString();
    }
}
