using System.Globalization;
using CniPlugins.Linux;

namespace CniPlugins.Attachments;

/// <summary>
/// The ports that the host gives to whoever asks for any: net/ipv4/ip_local_port_range (of both families), less ip_local_reserved_ports, which counts for
/// automatic choices only (Documentation/networking/ip-sysctl.rst).
/// </summary>
internal sealed class EphemeralPorts
{
    private const ushort DefaultFirst = 32768;   // inet_init_net, net/ipv4/af_inet.c
    private const ushort DefaultLast = 60999;

    private readonly List<(ushort First, ushort Last)> _reserved;

    private EphemeralPorts(ushort first, ushort last, List<(ushort First, ushort Last)> reserved)
    {
        (First, Last) = (first, last);
        _reserved = reserved;
    }

    /// <summary>The first of the range.</summary>
    public ushort First { get; }

    /// <summary>The last of the range.</summary>
    public ushort Last { get; }

    /// <summary>How many there are, with those that are reserved.</summary>
    public int Count => Last - First + 1;

    /// <summary>What holds in the calling thread's namespace.</summary>
    public static EphemeralPorts Read() => Parse(Sysctl.Find("net/ipv4/ip_local_port_range"), Sysctl.Find("net/ipv4/ip_local_reserved_ports"));

    /// <summary>Makes sense of the two settings; what makes none is the kernel's default, or nothing.</summary>
    public static EphemeralPorts Parse(string? range, string? reserved)
    {
        string[] bounds = (range ?? string.Empty).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        (ushort first, ushort last) = bounds.Length == 2 && TryReadPort(bounds[0], out ushort low) && TryReadPort(bounds[1], out ushort high)
            && low > 0 && low <= high ? (low, high) : (DefaultFirst, DefaultLast);
        List<(ushort, ushort)> ranges = [];
        foreach (string text in (reserved ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int dash = text.IndexOf('-', StringComparison.Ordinal);
            if (TryReadPort(dash < 0 ? text : text[..dash], out ushort from) && TryReadPort(text[(dash + 1)..], out ushort to))
            {
                ranges.Add((from, to));
            }
        }

        return new EphemeralPorts(first, last, ranges);
    }

    /// <summary>Whether the port is kept for whoever names it.</summary>
    public bool IsReserved(ushort port) => _reserved.Exists(range => port >= range.First && port <= range.Last);

    private static bool TryReadPort(string text, out ushort port) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port);
}
