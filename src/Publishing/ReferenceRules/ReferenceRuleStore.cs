using System.Net;
using CniPlugins.Nftables;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Publishing.ReferenceRules;

/// <summary>
/// Removes what the reference plugins left in nftables for attachments that they made: by their own backend of that name, or by iptables-nft. No program is
/// run, and what they share among containers is left, as they leave it. What iptables-legacy holds is not seen by netlink.
/// </summary>
public sealed class ReferenceRuleStore
{
    private static readonly NftTable[] s_nat = [new(NFPROTO.IPV4, "nat"), new(NFPROTO.IPV6, "nat")];
    private static readonly NftTable[] s_filter = [new(NFPROTO.IPV4, "filter"), new(NFPROTO.IPV6, "filter")];
    private static readonly NftTable[] s_ports = [new(NFPROTO.IPV4, "cni_hostport"), new(NFPROTO.IPV6, "cni_hostport")];
    private static readonly NftTable s_masquerade = new(NFPROTO.INET, "cni_plugins_masquerade");
    private static readonly NftTable s_bridge = new(NFPROTO.BRIDGE, "nat");

    private readonly NftConnection _connection;

    internal ReferenceRuleStore(NftConnection connection) => _connection = connection;

    /// <summary>Removes what there is for one attachment; nothing is success, and costs a few questions by name.</summary>
    /// <param name="parts">What to look for.</param>
    /// <param name="names">What its chains and rules are called.</param>
    /// <param name="addresses">The container's addresses, asked for only where rules know it by nothing else.</param>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void Remove(ReferenceParts parts, ReferenceNames names, Func<IReadOnlyList<IPAddress>> addresses)
    {
        foreach (NftTable table in s_nat)
        {
            if ((parts & ReferenceParts.Masquerade) != 0)
            {
                RemoveChain(table, names.Chain("CNI-"), "POSTROUTING");
            }

            if ((parts & ReferenceParts.Ports) != 0)
            {
                RemoveChain(table, names.Chain("CNI-DN-"), "CNI-HOSTPORT-DNAT");
                RemoveChain(table, names.Chain("CNI-SN-"), "CNI-HOSTPORT-SNAT");
            }
        }

        if ((parts & ReferenceParts.Masquerade) != 0 && names.MasqueradePrefix is string prefix)
        {
            RemoveRules(s_masquerade, "masq_checks", rule => rule.Comment?.StartsWith(prefix, StringComparison.Ordinal) == true);
        }

        if ((parts & ReferenceParts.SpoofCheck) != 0 && names.SpoofChain is string spoofChain)
        {
            RemoveSpoofCheck(spoofChain);
        }

        if ((parts & ReferenceParts.Ports) != 0)
        {
            RemovePorts(names.ContainerId);
        }

        if ((parts & ReferenceParts.Access) != 0)
        {
            RemoveAccess(addresses);
        }
    }

    /// <summary>
    /// Removes what there is for containers of a network that nobody names as valid. Rules of nftables' own that say nothing of their network are left:
    /// DEL removes those.
    /// </summary>
    /// <param name="network">The network's name.</param>
    /// <param name="isValid">Whether a container with this id has an attachment to it.</param>
    /// <param name="namesOf">What the chains and rules of such a container are called.</param>
    /// <param name="linkExists">Whether the host has an interface of this name.</param>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void RemoveStale(string network, Func<string, bool> isValid, Func<string, ReferenceNames> namesOf, Func<string, bool> linkExists)
    {
        Dictionary<string, List<IPAddress>> stale = [];
        foreach (NftTable table in s_nat)
        {
            foreach (string top in (ReadOnlySpan<string>)["POSTROUTING", "CNI-HOSTPORT-DNAT"])
            {
                foreach (NftRuleInfo rule in _connection.ListRules(new NftChain(table, top)))
                {
                    Collect(rule, network, isValid, stale);
                }
            }
        }

        foreach ((string containerId, List<IPAddress> addresses) in stale)
        {
            Remove(ReferenceParts.All, namesOf(containerId), () => addresses);
        }

        foreach (NftRuleInfo rule in _connection.ListRules(new NftChain(s_bridge, "PREROUTING")))
        {
            if (rule.Target is string chain && chain.StartsWith(ReferenceNames.SpoofChainPrefix, StringComparison.Ordinal)
                && rule.Compared is [byte[] name] && !linkExists(NftKey.ReadInterfaceName(name)))
            {
                RemoveSpoofCheck(chain);
            }
        }
    }

    private static void Collect(NftRuleInfo rule, string network, Func<string, bool> isValid, Dictionary<string, List<IPAddress>> stale)
    {
        if (rule.Target is null || ReferenceNames.FindContainer(rule.Comment, network) is not string containerId || isValid(containerId))
        {
            return;
        }

        if (!stale.TryGetValue(containerId, out List<IPAddress>? addresses))
        {
            stale.Add(containerId, addresses = []);
        }

        // POSTROUTING tells containers apart by their source address; a published port's rule has its protocol there.
        if (rule.Compared is [{ Length: 4 or 16 } address])
        {
            addresses.Add(new IPAddress(address));
        }
    }

    /// <summary>Removes a container's own chain, and the rules of the shared one that jump to it.</summary>
    private void RemoveChain(NftTable table, string name, string jumpsFrom, params ReadOnlySpan<string> below)
    {
        NftChain chain = new(table, name);
        if (_connection.FindChain(chain) is null)
        {
            return;
        }

        NftTransaction transaction = new();
        foreach (NftRuleInfo rule in _connection.ListRules(new NftChain(table, jumpsFrom)))
        {
            if (rule.Target == name)
            {
                transaction.TryDeleteRule(table, rule);
            }
        }

        transaction.TryDeleteChain(chain);
        foreach (string other in below)
        {
            transaction.TryDeleteChain(new NftChain(table, other));
        }

        _connection.Commit(transaction);
    }

    private void RemoveSpoofCheck(string chain) => RemoveChain(s_bridge, chain, "PREROUTING", $"{chain}-mac");

    /// <summary>The rules of nftables' backend have the container's id as comment, and no more.</summary>
    private void RemovePorts(string containerId)
    {
        foreach (NftTable table in s_ports)
        {
            foreach (string chain in (ReadOnlySpan<string>)["hostports", "hostip_hostports", "masquerading"])
            {
                RemoveRules(table, chain, rule => rule.Comment == containerId);
            }
        }
    }

    private void RemoveAccess(Func<IReadOnlyList<IPAddress>> addresses)
    {
        const string Chain = "CNI-FORWARD";
        if (!Array.Exists(s_filter, table => _connection.FindChain(new NftChain(table, Chain)) is not null))
        {
            return;
        }

        List<byte[]> known = [.. addresses().Select(static address => address.GetAddressBytes())];
        foreach (NftTable table in s_filter)
        {
            RemoveRules(
                table,
                Chain,
                rule => rule.Target is null && rule.Compared is [byte[] address] && known.Exists(each => each.AsSpan().SequenceEqual(address)));
        }
    }

    private void RemoveRules(NftTable table, string chain, Func<NftRuleInfo, bool> isOfContainer)
    {
        NftTransaction transaction = new();
        foreach (NftRuleInfo rule in _connection.ListRules(new NftChain(table, chain)))
        {
            if (isOfContainer(rule))
            {
                transaction.TryDeleteRule(table, rule);
            }
        }

        _connection.Commit(transaction);
    }
}
