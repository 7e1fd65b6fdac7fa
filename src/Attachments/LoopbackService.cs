using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Publishing;
using CniPlugins.Publishing.Loopback;

namespace CniPlugins.Attachments;

/// <summary>
/// Serves ports published on loopback addresses: TCP and UDP at the socket where the settings, the kernel and its lockdown allow it. What is left (SCTP, whose
/// sockets the kernel does not ask about, and everything where it is not allowed) is translated packet by packet, IPv4 only.
/// </summary>
internal sealed class LoopbackService : IDisposable
{
    private const string Note = "socket programs";

    private readonly HostSettings _settings;
    private readonly StateDirectory _state;
    private LoopbackPorts? _ports;
    private string? _fault;
    private bool _isPrepared;

    public LoopbackService(HostSettings settings, StateDirectory state)
    {
        (_settings, _state) = (settings, state);
        _fault = settings.Loopback == LoopbackWay.Nat ? "publish.loopback is \"nat\"" : null;
    }

    /// <summary>Why nothing is served at the socket; null: it is. Tries it in the kernel, leaving nothing.</summary>
    public string? FindFault()
    {
        if (_isPrepared)
        {
            return _fault;   // asked for each of thousands of ports
        }

        _isPrepared = true;
        try
        {
            Open()?.Prepare();
        }
        catch (LinuxException e)
        {
            Close(e);
        }

        return _fault;
    }

    /// <summary>Why a port on [::1] is not served; null: it is.</summary>
    public string? FindIpv6Fault(PortProtocol protocol) => protocol == PortProtocol.Sctp
        ? "SCTP sockets are not asked about by the kernel"
        : FindFault();

    /// <summary>The nftables elements of a published port; that it is translated on 127.0.0.0/8 is said by one of its own.</summary>
    public IEnumerable<RuleElement> ListElements(PublishedPort port, string comment)
    {
        yield return PolicyElements.Published(port, comment);
        if (IsOnLoopback4(port) && (port.Protocol == PortProtocol.Sctp || FindFault() is not null))
        {
            yield return PolicyElements.LoopbackTranslated(port, comment);
        }
    }

    /// <summary>Serves a record's ports at the socket, but for those that are translated.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public void Add(AttachmentRecord record)
    {
        if (ListServed(record) is { Count: > 0 } ports)
        {
            HostNotes.Add(_state, Note);
            Require().Add(ports, AttachmentNames.Full(record.Attachment));
        }
    }

    /// <summary>Serves a record's ports no more.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public void Remove(AttachmentRecord record)
    {
        if (ListServed(record) is { Count: > 0 } ports)
        {
            bool wasLast = TryOpen()?.Remove(ports, AttachmentNames.Full(record.Attachment)) ?? false;
            if (wasLast)
            {
                HostNotes.Remove(_state, Note);
            }
        }
    }

    /// <summary>Serves the ports of the one record and no more those of the other, without a gap for what both have.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public void Change(AttachmentRecord before, AttachmentRecord after)
    {
        Add(after);
        HashSet<(IPAddress, ushort, PortProtocol)> kept = [.. ListServed(after).Select(static port => (port.HostAddress, port.HostPort, port.Protocol))];
        Remove(before with { Ports = [.. before.Ports.Where(port => !kept.Contains((port.HostAddress, port.HostPort, port.Protocol)))] });
    }

    /// <summary>Those of a record's ports that are to be served at the socket and are not.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public IReadOnlyList<PublishedPort> FindMissing(AttachmentRecord record) =>
        ListServed(record) is { Count: > 0 } ports ? Require().FindMissing(ports, AttachmentNames.Full(record.Attachment)) : [];

    /// <summary>Whether the programs that should be attached are: a question of the same price whatever the number of ports.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public bool IsInPlace() => !HostNotes.Has(_state, Note) || TryOpen()?.IsAttached == true;

    /// <summary>Compares what is served in this namespace with what should be, ports with their attachment's name.</summary>
    /// <returns>How much differs, or was put right.</returns>
    /// <exception cref="CniException">Something should be served, and cannot (11).</exception>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public int Compare(IReadOnlyList<(PublishedPort Port, string Owner)> ports, bool repair) =>
        ports.Count > 0 ? Require().Compare(ports, repair) : TryOpen()?.Compare(ports, repair) ?? 0;

    /// <summary>
    /// Those of a record's ports that are served at the socket. Its elements tell which are translated instead, and which are refused to who comes from the
    /// very loopback address: a packet of theirs would be.
    /// </summary>
    public static IReadOnlyList<PublishedPort> ListServed(AttachmentRecord record)
    {
        List<PublishedPort> served = [];
        HashSet<string> translated = [];
        List<RuleElement> conditions = [.. record.Elements.Where(PortElements.IsCondition)];
        foreach (RuleElement element in record.Elements.Where(PolicyElements.IsLoopbackTranslation))
        {
            translated.Add(element.Set + Convert.ToHexString(element.Element.Key));
        }

        foreach (PublishedPort port in record.Ports)
        {
            if (port.Protocol == PortProtocol.Sctp || !IsOnLoopback(port))
            {
                continue;
            }

            IPAddress loopback = port.HostAddress.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback;
            if (conditions.Exists(condition => PolicyElements.Refuses(condition, port, loopback, port.OnEveryAddress ? loopback : port.HostAddress)))
            {
                continue;
            }

            RuleElement? element = translated.Count > 0 && IsOnLoopback4(port) ? PolicyElements.LoopbackTranslated(port, string.Empty) : null;
            if (element is null || !translated.Contains(element.Set + Convert.ToHexString(element.Element.Key)))
            {
                served.Add(port);
            }
        }

        return served;
    }

    /// <inheritdoc/>
    public void Dispose() => _ports?.Dispose();

    /// <summary>Those of a record's ports that packets are translated for: of a port on a loopback address that is served at the socket there are none.</summary>
    public static IReadOnlyList<PublishedPort> ListTranslated(AttachmentRecord record)
    {
        HashSet<PublishedPort> served = [.. ListServed(record).Where(static port => !port.OnEveryAddress)];
        return served.Count == 0 ? record.Ports : [.. record.Ports.Where(port => !served.Contains(port))];
    }

    private static bool IsOnLoopback4(PublishedPort port) => port.HostAddress.AddressFamily == AddressFamily.InterNetwork && IsOnLoopback(port);

    private static bool IsOnLoopback(PublishedPort port) => port.OnEveryAddress || IPAddress.IsLoopback(port.HostAddress);

    private LoopbackPorts Require() => TryOpen() ?? throw new CniException(
        CniErrorCode.TryAgainLater, $"ports on loopback addresses cannot be served at the socket any more: {_fault}");

    private LoopbackPorts? TryOpen()
    {
        try
        {
            return Open();
        }
        catch (LinuxException e)
        {
            Close(e);
            return null;
        }
    }

    private LoopbackPorts? Open() => _fault is null ? _ports ??= LoopbackPorts.Open(_settings.Cgroup) : null;

    private void Close(LinuxException e)
    {
        _fault = e.Message;
        _ports?.Dispose();
        _ports = null;
    }
}
