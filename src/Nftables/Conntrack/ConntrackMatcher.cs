using CniPlugins.Netlink;

namespace CniPlugins.Nftables.Conntrack;

/// <summary>Picks, of a table's connections, those that one of many filters means: each is compared with the filters of its own port alone.</summary>
internal sealed class ConntrackMatcher
{
    private readonly Dictionary<(byte Protocol, ushort Port), List<ConntrackFilter>> _ofPorts = [];
    private readonly List<ConntrackFilter> _others = [];

    public ConntrackMatcher(IReadOnlyList<ConntrackFilter> filters)
    {
        foreach (ConntrackFilter filter in filters)
        {
            if (filter is not { Protocol: byte protocol, DestinationPort: ushort port })
            {
                _others.Add(filter);
            }
            else if (_ofPorts.TryGetValue((protocol, port), out List<ConntrackFilter>? same))
            {
                same.Add(filter);
            }
            else
            {
                _ofPorts.Add((protocol, port), [filter]);
            }
        }
    }

    /// <summary>The connection, if it is meant. Most of a table's are not, and are not read further than to their port.</summary>
    public ConntrackEntry? Parse(NetlinkReply reply)
    {
        List<ConntrackFilter>? ofPort = _ofPorts.GetValueOrDefault(ConntrackParser.ParsePort(reply));
        if (ofPort is null && _others.Count == 0)
        {
            return null;
        }

        ConntrackEntry entry = ConntrackParser.Parse(reply);
        return _others.Exists(filter => filter.Matches(entry)) || (ofPort?.Exists(filter => filter.Matches(entry)) ?? false) ? entry : null;
    }
}
