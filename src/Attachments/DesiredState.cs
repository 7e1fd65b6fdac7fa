using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// What all records of this boot, and the notes of what they share, say that there should be of things that others can take away. Nothing is believed that
/// does not follow from an attachment, and nothing that cannot be read keeps the rest from being found. To be read while nobody adds or removes.
/// </summary>
internal sealed class DesiredState
{
    private const int LongestChainName = 28;   // XT_EXTENSION_MAXNAMELEN, less the NUL

    private readonly Dictionary<string, (RuleElement Element, long Written)> _elements = [];
    private readonly Dictionary<string, PublishedPort> _ports = [];
    private readonly HashSet<string> _networks = [];
    private readonly List<ServedPort> _served = [];

    private DesiredState()
    {
    }

    /// <summary>Elements of both tables.</summary>
    public IReadOnlyList<RuleElement> Elements => [.. _elements.Values.Select(static each => each.Element)];

    /// <summary>Published ports by the identity of their element.</summary>
    public IReadOnlyDictionary<string, PublishedPort> Ports => _ports;

    /// <summary>Ports that are served at the socket, with the attachment's name.</summary>
    public IReadOnlyList<ServedPort> Served =>
        [.. _served.Where(each => _elements[PolicyTables.Identity(PolicyElements.Published(each.Port, each.Owner))].Element.Element.Comment == each.Owner)];

    /// <summary>Devices that iptables lets through, with the administrator's chain.</summary>
    public Dictionary<string, string> Forwarded { get; } = [];

    /// <summary>Devices for which we switched route_localnet on.</summary>
    public HashSet<string> Localnet { get; } = [];

    /// <summary>Whether there is any attachment at all.</summary>
    public bool HasAttachments => _networks.Count > 0;

    /// <summary>What was passed over, and why.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Reads everything.</summary>
    /// <param name="host">The host.</param>
    /// <param name="underWay">Elements of an ADD that is not complete yet.</param>
    /// <exception cref="LinuxException">The state directory cannot be read.</exception>
    public static DesiredState Read(Host host, IReadOnlyList<RuleElement> underWay)
    {
        DesiredState state = new();
        foreach ((AttachmentRecord record, long written) in host.Records.ListAll(state.Warnings))
        {
            state.Add(record, written);
        }

        foreach (string bridge in BridgeState.List(host.State))
        {
            state.AddShared(host, bridge);
        }

        foreach (RuleElement element in underWay)
        {
            state._elements[PolicyTables.Identity(element)] = (element, long.MaxValue);
        }

        return state;
    }

    private void Add(AttachmentRecord record, long written)
    {
        string name = Describe(record);
        if (record.BootId != BootId.Current)
        {
            Warnings.Add($"{name} is of another boot");
            return;
        }

        _networks.Add(record.Attachment.Network);
        if (!record.IsComplete)
        {
            return;   // an ADD that failed or a DEL that was cut short: DEL or GC finishes it
        }

        IReadOnlyList<RuleElement> elements = RecordElements.ListBelieved(record);
        if (elements.Count < record.Elements.Count)
        {
            Warnings.Add($"{name} has {record.Elements.Count - elements.Count} elements that are not its own");
        }

        foreach (RuleElement element in elements)
        {
            Add(element, written, name);
        }

        string comment = AttachmentNames.Full(record.Attachment);
        foreach (PublishedPort port in record.Ports)
        {
            string identity = PolicyTables.Identity(PolicyElements.Published(port, comment));
            if (_elements.TryGetValue(identity, out (RuleElement Element, long) owner) && owner.Element.Element.Comment == comment)
            {
                _ports[identity] = port;
            }
        }

        foreach (PublishedPort port in LoopbackService.ListServed(record))
        {
            if (_ports.ContainsKey(PolicyTables.Identity(PolicyElements.Published(port, comment))))
            {
                _served.Add(new ServedPort(port, comment, record.Cgroup));
            }
        }

        if (record.Forwarded is string forwarded && forwarded == AttachmentNames.HostInterface(record.Attachment))
        {
            AddForwarded(forwarded, record.AdminChain);
        }

        // A bridge's is noted with the bridge, if it was off before; a pair's end is nobody else's.
        if (record.Device is string device && device == AttachmentNames.HostInterface(record.Attachment) && record.Elements.Any(PolicyElements.IsLoopbackTranslation))
        {
            Localnet.Add(device);
        }
    }

    /// <summary>An address that was given on before its last owner's DEL came is its new owner's: of two records the later one counts.</summary>
    private void Add(RuleElement element, long written, string name)
    {
        string identity = PolicyTables.Identity(element);
        if (_elements.TryGetValue(identity, out (RuleElement Element, long Written) other) && other.Element.Element.Comment != element.Element.Comment)
        {
            bool isLater = written > other.Written;
            Warnings.Add($"{name} and {other.Element.Element.Comment} have one element in set {element.Set}: {(isLater ? name : other.Element.Element.Comment)} was there last and keeps it");
            if (!isLater)
            {
                return;
            }
        }

        _elements[identity] = (element, written);
    }

    private void AddShared(Host host, string bridge)
    {
        try
        {
            using BridgeState state = BridgeState.Ensure(host.State, bridge);
            if (!state.ListNetworks().Any(_networks.Contains))
            {
                return;   // of another boot, or left by a crash: whoever comes next removes it
            }

            foreach (RuleElement element in state.ListElements())
            {
                if (!PolicyTables.IsWellFormed(element) || PolicyTables.IsOwned(element.Set))
                {
                    Warnings.Add($"the notes of {bridge} have an element of set {element.Set} that is not shared");
                    continue;
                }

                _elements.TryAdd(PolicyTables.Identity(element), (element, long.MaxValue));
            }

            foreach ((string device, string adminChain) in state.ListForwarded())
            {
                AddForwarded(device, adminChain);
            }

            Localnet.UnionWith(state.ListLocalnet());
        }
        catch (LinuxException e)
        {
            Warnings.Add($"the notes of {bridge} cannot be read: {e.Message}");
        }
    }

    private void AddForwarded(string device, string? adminChain)
    {
        if (!CniNames.IsInterfaceName(device))
        {
            Warnings.Add("the notes have a device without a name of one");
            return;
        }

        Forwarded[device] = adminChain is { Length: > 0 and <= LongestChainName } ? adminChain : ForwardAccess.DefaultAdminChain;
    }

    private static string Describe(AttachmentRecord record) =>
        $"{AttachmentNames.Full(record.Attachment)}{(record.Part is null ? string.Empty : $" ({record.Part})")}";
}
