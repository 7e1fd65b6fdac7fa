using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// Gives each mapping its port of the host, the same on all of its addresses: the one that it names, or one that nobody has. Somebody may take a port
/// between the choice and the transaction: then the kernel refuses it, and the choice is made again.
/// </summary>
internal sealed class PortChooser
{
    private readonly Host _host;
    private readonly string? _except;
    private readonly Dictionary<PublishedPort, int> _ports = [];   // with the container's port 0: whatever it leads to, it is one port of the host
    private readonly List<PublishedPort> _inOrder = [];
    private readonly Dictionary<PublishedPort, PublishConditions> _conditions = [];
    private EphemeralPorts? _ephemeral;
    private int _next;

    private PortChooser(Host host, string? except) => (_host, _except) = (host, except);

    /// <summary>Chooses, and refuses what cannot be had.</summary>
    /// <exception cref="CniException">Two mappings exclude each other (7).</exception>
    /// <exception cref="PortConflictException">Somebody has a port.</exception>
    /// <param name="host">The host.</param>
    /// <param name="targets">The mappings.</param>
    /// <param name="except">The comment of an attachment whose ports count as free where their address overlaps.</param>
    public static PortChoice Choose(Host host, IReadOnlyList<PortTarget> targets, string? except = null) =>
        new PortChooser(host, except).Run(targets);

    private PortChoice Run(IReadOnlyList<PortTarget> targets)
    {
        List<Search> searches = [];
        foreach (PortTarget target in targets)
        {
            if (target.Mapping.IsChosen)
            {
                searches.Add(new Search(target));
                continue;
            }

            foreach (PublishedPort port in target.At(target.Mapping.HostPort))
            {
                Add(port);
                AddConditions(port, target.Mapping);
            }
        }

        // Noted for the searches too: what they find is of the same addresses.
        IReadOnlyList<PublishedPort> mayOverlap = OverlapNotes.Note(_host.State, [.. _inOrder, .. searches.SelectMany(static search => search.Target.At(0))]);
        if (_inOrder.Count > 0
            && (_host.Policy.FindOverlap([.. mayOverlap.Where(static port => port.HostPort != 0)], _host.ListAddresses, _except) ?? ListenerProbe.Find(_inOrder)) is PortConflictException conflict)
        {
            throw conflict;
        }

        if (searches.Count > 0)
        {
            SearchAll(searches);
        }

        return new PortChoice(_inOrder, _conditions);
    }

    private void AddConditions(PublishedPort port, PortMapping mapping)
    {
        foreach (PublishConditions conditions in mapping.Conditions)
        {
            if (conditions.Family == port.HostAddress.AddressFamily)
            {
                _conditions[port] = _conditions.TryGetValue(port, out PublishConditions? others) ? others.And(conditions) : conditions;
            }
        }
    }

    /// <summary>The same mapping twice is one mapping; two mappings cannot share a host port.</summary>
    private void Add(PublishedPort port)
    {
        bool isNew = _ports.TryAdd(Key(port), port.ContainerPort);
        if (isNew)
        {
            _inOrder.Add(port);
        }

        // On one address, and on every address: the more special one would count, and the other seem to.
        int same = isNew && _ports.TryGetValue(Key(port) with { HostAddress = Any(port) }, out int everywhere) ? everywhere : _ports[Key(port)];
        if (port.OnEveryAddress && _inOrder.Find(other => IsSameNumber(other, port) && other.ContainerPort != port.ContainerPort) is PublishedPort special)
        {
            same = special.ContainerPort;
        }

        if (same != port.ContainerPort)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig,
                $"host port {port} is asked for twice, for the container's ports {same} and {port.ContainerPort}: choose another host port for one");
        }
    }

    /// <summary>In rounds: each search names a candidate, and all are looked up together.</summary>
    private void SearchAll(List<Search> searches)
    {
        List<Search> open = searches;
        while (open.Count > 0)
        {
            List<PublishedPort> candidates = [];
            foreach (Search search in open)
            {
                search.Candidates = NextCandidates(search);
                candidates.AddRange(search.Candidates);
            }

            IReadOnlyDictionary<PublishedPort, PortConflictException> taken = _host.Policy.FindTaken(candidates, _host.ListAddresses);
            List<Search> again = [];
            foreach (Search search in open)
            {
                if (FirstConflict(search.Candidates, taken) is PortConflictException conflict)
                {
                    search.Candidates.ForEach(port => _ports.Remove(Key(port)));
                    search.Last = conflict;
                    again.Add(search);
                }
            }

            open = again;
        }

        foreach (Search search in searches)
        {
            _inOrder.AddRange(search.Candidates);
            search.Candidates.ForEach(port => AddConditions(port, search.Target.Mapping));
        }
    }

    private static PortConflictException? FirstConflict(
        List<PublishedPort> ports, IReadOnlyDictionary<PublishedPort, PortConflictException> taken)
    {
        foreach (PublishedPort port in ports)
        {
            if (taken.TryGetValue(port, out PortConflictException? conflict))
            {
                return conflict;
            }
        }

        return ListenerProbe.Find(ports);
    }

    /// <summary>The next number that nothing else of this attachment has, on all addresses of the mapping.</summary>
    private List<PublishedPort> NextCandidates(Search search)
    {
        while (Next(search) is ushort number)
        {
            List<PublishedPort> ports = [.. search.Target.At(number)];
            if (!ports.Exists(IsOurs))
            {
                ports.ForEach(port => _ports[Key(port)] = port.ContainerPort);
                return ports;
            }
        }

        PortMapping mapping = search.Target.Mapping;
        string where = mapping.HostPort == 0 ? "of net.ipv4.ip_local_port_range" : $"from {mapping.HostPort} to {mapping.LastHostPort}";
        throw new CniException(
            CniErrorCode.TryAgainLater,
            $"no port {where} is free for port {mapping.ContainerPort}/{mapping.Protocol.ToString().ToLowerInvariant()} of the container: name another, or remove what has them",
            search.Last?.Message);
    }

    /// <summary>From a range in order; of any, on from the one that was chosen last, and for the first from anywhere, so that nobody can tell it.</summary>
    private ushort? Next(Search search)
    {
        PortMapping mapping = search.Target.Mapping;
        if (mapping.HostPort != 0)
        {
            int number = mapping.HostPort + search.Tried++;
            return number <= mapping.LastHostPort ? (ushort)number : null;
        }

        if (_ephemeral is null)
        {
            _ephemeral = EphemeralPorts.Read();
            _next = Random.Shared.Next(_ephemeral.Count);
        }

        search.Start ??= _next;
        while (search.Tried < _ephemeral.Count)
        {
            int place = (search.Start.Value + search.Tried++) % _ephemeral.Count;
            ushort number = (ushort)(_ephemeral.First + place);
            if (!_ephemeral.IsReserved(number))
            {
                _next = place + 1;
                return number;
            }
        }

        return null;
    }

    private bool IsOurs(PublishedPort port)
    {
        return _ports.ContainsKey(Key(port)) || _ports.ContainsKey(Key(port with { HostAddress = Any(port) }))
            || (port.OnEveryAddress && _ports.Keys.Any(other => IsSameNumber(other, port)));
    }

    private static bool IsSameNumber(PublishedPort one, PublishedPort other) => one.HostPort == other.HostPort && one.Protocol == other.Protocol
        && one.HostAddress.AddressFamily == other.HostAddress.AddressFamily;

    private static IPAddress Any(PublishedPort port) =>
        port.HostAddress.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;

    private static PublishedPort Key(PublishedPort port) => port with { ContainerPort = 0 };

    private sealed class Search(PortTarget target)
    {
        public PortTarget Target { get; } = target;

        public List<PublishedPort> Candidates { get; set; } = [];

        public PortConflictException? Last { get; set; }

        public int Tried { get; set; }

        public int? Start { get; set; }
    }
}
