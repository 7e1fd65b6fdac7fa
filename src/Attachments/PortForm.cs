using System.Globalization;
using System.Net;
using System.Net.Sockets;
using CniPlugins.Ipam;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// What an operator writes to publish a port: <c>[HOSTIP:][HOSTPORT[-HOSTPORT]]:CONTAINERPORT[-CONTAINERPORT][/PROTOCOL]</c>, or the container's ports alone.
/// IPv6 addresses stand in brackets. Without a host port any free one is taken; several for one container port mean the first free one of them.
/// </summary>
public static class PortForm
{
    /// <summary>The protocol of a name; null for one that has no ports.</summary>
    public static PortProtocol? FindProtocol(string? name) => name?.ToLowerInvariant() switch
    {
        null or "" or "tcp" => PortProtocol.Tcp,
        "udp" => PortProtocol.Udp,
        "sctp" => PortProtocol.Sctp,
        _ => null,
    };

    /// <summary>Reads the form: a mapping for each port of the container.</summary>
    /// <param name="text">The form.</param>
    /// <param name="mappings">What it says; empty when it is wrong.</param>
    /// <param name="error">What is wrong, and what to write instead; null when nothing is.</param>
    public static bool TryParse(string text, out IReadOnlyList<PortMapping> mappings, out string? error)
    {
        List<PortMapping> read = [];
        error = Read(text, read);
        mappings = error is null ? read : [];
        return error is null;
    }

    private static string? Read(string text, List<PortMapping> mappings)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string protocolName = slash < 0 ? "tcp" : text[(slash + 1)..];
        if (protocolName.Length == 0 || FindProtocol(protocolName) is not PortProtocol protocol)
        {
            return $"the protocol \"{protocolName}\" is unknown: write /tcp, /udp or /sctp";
        }

        if (SplitAddress(slash < 0 ? text : text[..slash], out IPAddress? address, out string ports) is string wrong)
        {
            return wrong;
        }

        int colon = ports.IndexOf(':', StringComparison.Ordinal);
        string host = colon < 0 ? string.Empty : ports[..colon];
        if (!TryReadRange(ports[(colon + 1)..], out (ushort First, ushort Last) container) || container.First == 0)
        {
            return $"\"{ports[(colon + 1)..]}\" is no port of the container: write 1 to 65535, or two such numbers as 80-85";
        }

        (ushort First, ushort Last) hosts = default;
        if (host.Length > 0 && !TryReadRange(host, out hosts))
        {
            return $"\"{host}\" is no port of the host: write 1 to 65535, two such numbers as 8000-8010, or nothing for any free one";
        }

        return Pair(address is null ? [] : [address], hosts, container, protocol, mappings);
    }

    private static string? Pair(
        IReadOnlyList<IPAddress> addresses, (ushort First, ushort Last) host, (ushort First, ushort Last) container, PortProtocol protocol, List<PortMapping> mappings)
    {
        int count = container.Last - container.First + 1;
        int hostCount = host.Last - host.First + 1;
        if (host.First != 0 && count > 1 && hostCount != count)
        {
            return $"{hostCount} ports of the host and {count} of the container do not go together: write as many, or one port of the container";
        }

        if (host.First != 0 && count == 1)
        {
            mappings.Add(new PortMapping(host.First, container.First, protocol, addresses) { LastHostPort = host.Last });
            return null;
        }

        for (int i = 0; i < count; i++)
        {
            mappings.Add(new PortMapping((ushort)(host.First == 0 ? 0 : host.First + i), (ushort)(container.First + i), protocol, addresses));
        }

        return null;
    }

    /// <summary>Takes the address off; what is left has at most one colon.</summary>
    private static string? SplitAddress(string text, out IPAddress? address, out string rest)
    {
        address = null;
        rest = text;
        int end = text.StartsWith('[') ? text.IndexOf("]:", StringComparison.Ordinal) + 1 : FirstOfTwoColons(text);
        if (end > 0)
        {
            string name = text[..end].Trim('[', ']');
            rest = text[(end + 1)..];
            bool v6 = text[0] == '[';
            if (text[..end] != (v6 ? $"[{name}]" : name) || !AddressText.TryParse(name, out address)
                || v6 != name.Contains(':', StringComparison.Ordinal) || address.ScopeIdOrZero() != 0)
            {
                return $"\"{text[..end]}\" is no address of this host: write one such as 127.0.0.1 or [::1]";
            }
        }

        bool complete = end <= 0 || rest.Contains(':', StringComparison.Ordinal);
        return end < 0 || text.StartsWith('[') && end == 0 || !complete || rest.AsSpan().Count(':') > 1
            ? "write HOSTIP:HOSTPORT:CONTAINERPORT, such as 127.0.0.1:8080:80, with an IPv6 address in brackets, such as [::1]:8080:80"
            : null;
    }

    /// <summary>Where the first colon is if there are two; 0 when there are fewer, -1 when there are more.</summary>
    private static int FirstOfTwoColons(string text) => text.AsSpan().Count(':') switch
    {
        < 2 => 0,
        2 when text[0] != ':' => text.IndexOf(':', StringComparison.Ordinal),
        _ => -1,
    };

    private static bool TryReadRange(string text, out (ushort First, ushort Last) range)
    {
        range = default;
        int dash = text.IndexOf('-', StringComparison.Ordinal);
        if (!TryReadPort(dash < 0 ? text : text[..dash], out ushort first) || !TryReadPort(text[(dash + 1)..], out ushort last))
        {
            return false;
        }

        range = (first, last);
        return first <= last && (first != 0 || dash < 0);
    }

    // Digits alone, and as they would be written again: no sign, no space, no zero in front.
    private static bool TryReadPort(string text, out ushort port) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && (text.Length == 1 || text[0] != '0')
        && !text.Contains('\0', StringComparison.Ordinal);   // which the framework lets stand at the end

    private static long ScopeIdOrZero(this IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? address.ScopeId : 0;
}
