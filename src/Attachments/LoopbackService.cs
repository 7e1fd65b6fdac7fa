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
    private readonly HostSettings _settings;
    private readonly StateDirectory _state;
    private readonly Dictionary<string, LoopbackPorts> _opened = [];
    private string? _fault;
    private bool _isPrepared;

    public LoopbackService(HostSettings settings, StateDirectory state)
    {
        (_settings, _state) = (settings, state);
        _fault = settings.Loopback == LoopbackWay.Nat ? "publish.loopback is \"nat\"" : null;
    }

    /// <summary>Why nothing new is served at the socket; null: it is. Tries it in the kernel, leaving nothing.</summary>
    public string? FindFault()
    {
        if (_isPrepared)
        {
            return _fault;   // asked for each of thousands of ports
        }

        _isPrepared = true;
        if (_fault is not null)
        {
            return _fault;
        }

        try
        {
            Open(_settings.Cgroup).Prepare();
        }
        catch (LinuxException e)
        {
            _fault = e.Message;
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
    /// <exception cref="CniException">There is no room (11).</exception>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public void Add(AttachmentRecord record)
    {
        if (ListServed(record) is not { Count: > 0 } ports)
        {
            return;
        }

        HostNotes.Add(_state, Note(record.Cgroup));
        try
        {
            Open(record.Cgroup).Add(ports, AttachmentNames.Full(record.Attachment));
        }
        catch (LinuxException e) when (e.Errno == Errno.E2BIG)
        {
            throw new CniException(
                CniErrorCode.TryAgainLater,
                $"there is no room for {ports.Count} more ports on loopback addresses: publish fewer, or on another address, or remove containers that publish many",
                e.Message,
                e);
        }
    }

    /// <summary>Serves a record's ports no more, wherever the settings say by now that others are to be served.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public void Remove(AttachmentRecord record)
    {
        if (ListServed(record) is { Count: > 0 } ports && Find(record.Cgroup)?.Remove(ports, AttachmentNames.Full(record.Attachment)) != false)
        {
            HostNotes.Remove(_state, Note(record.Cgroup));
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
    public IReadOnlyList<PublishedPort> FindMissing(AttachmentRecord record)
    {
        IReadOnlyList<PublishedPort> ports = ListServed(record);
        return ports.Count == 0 ? [] : Find(record.Cgroup)?.FindMissing(ports, AttachmentNames.Full(record.Attachment)) ?? ports;
    }

    /// <summary>Whether the programs that should be attached are: a question of the same price whatever the number of ports.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public bool IsInPlace() => !HostNotes.Has(_state, Note(_settings.Cgroup)) || Find(_settings.Cgroup)?.IsAttached == true;

    /// <summary>Compares what is served in this namespace with what should be.</summary>
    /// <returns>How much differs, or was put right.</returns>
    /// <exception cref="CniException">Something should be served, and cannot (11).</exception>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public int Compare(IReadOnlyList<ServedPort> ports, bool repair)
    {
        int differences = 0;
        foreach (string? cgroup in ports.Select(static port => port.Cgroup).Append(_settings.Cgroup).Distinct())
        {
            List<(PublishedPort, string)> wanted = [.. ports.Where(port => port.Cgroup == cgroup).Select(static port => (port.Port, port.Owner))];
            if (Find(cgroup) is LoopbackPorts found)
            {
                differences += found.Compare(wanted, repair);
            }
            else if (wanted.Count > 0)
            {
                throw new CniException(
                    CniErrorCode.TryAgainLater, $"ports on loopback addresses cannot be served at the socket any more: {cgroup ?? "cgroup2"} is gone");
            }
        }

        return differences;
    }

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
    public void Dispose()
    {
        foreach (LoopbackPorts ports in _opened.Values)
        {
            ports.Dispose();
        }
    }

    /// <summary>Those of a record's ports that packets are translated for: of a port on a loopback address that is served at the socket there are none.</summary>
    public static IReadOnlyList<PublishedPort> ListTranslated(AttachmentRecord record)
    {
        HashSet<PublishedPort> served = [.. ListServed(record).Where(static port => !port.OnEveryAddress)];
        return served.Count == 0 ? record.Ports : [.. record.Ports.Where(port => !served.Contains(port))];
    }

    private static bool IsOnLoopback4(PublishedPort port) => port.HostAddress.AddressFamily == AddressFamily.InterNetwork && IsOnLoopback(port);

    private static bool IsOnLoopback(PublishedPort port) => port.OnEveryAddress || IPAddress.IsLoopback(port.HostAddress);

    private static string Note(string? cgroup) => cgroup is null ? "socket programs" : $"socket programs {AttachmentNames.Hash(cgroup)}";

    private LoopbackPorts Open(string? cgroup)
    {
        if (!_opened.TryGetValue(cgroup ?? string.Empty, out LoopbackPorts? ports))
        {
            _opened[cgroup ?? string.Empty] = ports = LoopbackPorts.Open(cgroup);
        }

        return ports;
    }

    /// <summary>Null where there is no such cgroup, or no cgroups at all: what was attached there went with it.</summary>
    private LoopbackPorts? Find(string? cgroup)
    {
        try
        {
            return Open(cgroup);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.EINVAL or Errno.ENODEV or Errno.EPERM or Errno.ENOSYS or Errno.EOPNOTSUPP)
        {
            return null;
        }
    }
}
