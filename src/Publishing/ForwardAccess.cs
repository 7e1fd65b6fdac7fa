using CniPlugins.Linux;
using CniPlugins.Nftables;
using CniPlugins.Nftables.Expressions;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Publishing;

/// <summary>
/// Lets containers' traffic through where iptables drops what the host forwards, as Docker and ufw have it: an accept in a table of ours does not overrule
/// a drop in another one. So iptables' own chain FORWARD goes first to a chain of ours, with two rules for each interface of the host that leads to
/// containers. They are written as iptables-nft writes them, and <c>iptables -S</c> shows them. Where iptables drops nothing, or is not in use, nothing is
/// done.
/// </summary>
public sealed class ForwardAccess
{
    /// <summary>The administrator's chain where nothing else is said.</summary>
    public const string DefaultAdminChain = "CNI-ADMIN";

    private const string ChainName = "CNI-PLUGINS-FWD";
    private const int RulesPerDevice = 2;
    private const int Attempts = 4;

    private static readonly NftTable[] s_tables = [new(NFPROTO.IPV4, "filter"), new(NFPROTO.IPV6, "filter")];

    private readonly NftConnection _connection;

    internal ForwardAccess(NftConnection connection) => _connection = connection;

    /// <summary>Whether iptables drops what the host forwards, of either family.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public bool IsNeeded() => Array.Exists(s_tables, IsNeeded);

    /// <summary>
    /// Lets through what comes in by the device, and what goes out to it in answer, or by a published port. The administrator's chain, if there is one, is
    /// asked before.
    /// </summary>
    /// <param name="device">The host's interface towards containers.</param>
    /// <param name="adminChain">The chain of iptables in which an administrator keeps rules of their own.</param>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void Ensure(string device, string adminChain)
    {
        foreach (NftTable table in s_tables)
        {
            for (int attempt = 1; IsNeeded(table); attempt++)
            {
                try
                {
                    _connection.Commit(Additions(table, device, new NftChain(table, adminChain)));
                    break;
                }
                catch (NftException e) when (e.Errno is Errno.EEXIST or Errno.ENOENT && attempt < Attempts)
                {
                    // Another ADD made our chain in between, or somebody removed one: look again.
                }
            }
        }
    }

    /// <summary>Whether everything that the device needs is there.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public bool IsInPlace(string device) => Array.TrueForAll(
        s_tables,
        table => !IsNeeded(table) || (Jumps(table).Count > 0 && RulesOf(Ours(table), device).Count >= RulesPerDevice));

    /// <summary>Takes a device's rules away; none is success.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void Remove(string device)
    {
        foreach (NftTable table in s_tables)
        {
            NftTransaction transaction = new();
            foreach (NftRuleInfo rule in RulesOf(Ours(table), device))
            {
                transaction.TryDeleteRule(table, rule);
            }

            _connection.Commit(transaction);
        }
    }

    /// <summary>Removes our chain, if no device has a rule in it. Nobody may call <see cref="Ensure"/> meanwhile.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public void RemoveIfUnused()
    {
        foreach (NftTable table in s_tables)
        {
            NftChain chain = Ours(table);
            if (_connection.FindChain(chain) is null || _connection.ListRules(chain).Any(static rule => rule.Comment is not null))
            {
                continue;
            }

            NftTransaction transaction = new();
            foreach (NftRuleInfo jump in Jumps(table))
            {
                transaction.TryDeleteRule(table, jump);
            }

            transaction.TryDeleteChain(chain);
            _connection.Commit(transaction);
        }
    }

    private NftTransaction Additions(NftTable table, string device, NftChain adminChain)
    {
        NftTransaction transaction = new();
        NftChain chain = Ours(table);
        if (_connection.FindChain(chain) is null)
        {
            transaction.AddChain(chain);
        }

        if (Jumps(table).Count == 0)
        {
            transaction.InsertRule(new NftRule(Forward(table), null, [new Counter(), Verdict.Jump(chain)]));
        }

        IReadOnlyList<NftRuleInfo> rules = _connection.ListRules(chain);
        if (!rules.Any(rule => rule.Target == adminChain.Name) && _connection.FindChain(adminChain) is not null)
        {
            transaction.InsertRule(new NftRule(chain, null, [new Counter(), Verdict.Jump(adminChain)]));
        }

        if (!rules.Any(rule => rule.Comment == device))
        {
            byte[] name = new NftKey().AddInterfaceName(device).ToArray();
            XT_CONNTRACK states = XT_CONNTRACK.STATE_ESTABLISHED | XT_CONNTRACK.STATE_RELATED | XT_CONNTRACK.STATE_DNAT;
            transaction.AddRule(new NftRule(
                chain, device, [.. Is(NFT_META.OIFNAME, name), new ConntrackStateMatch(states), new Counter(), Verdict.Accept]));
            transaction.AddRule(new NftRule(chain, device, [.. Is(NFT_META.IIFNAME, name), new Counter(), Verdict.Accept]));
        }

        return transaction;
    }

    private bool IsNeeded(NftTable table) => _connection.FindChain(Forward(table)) is { Drops: true };

    private List<NftRuleInfo> Jumps(NftTable table) =>
        [.. _connection.ListRules(Forward(table)).Where(static rule => rule.Target == ChainName)];

    private List<NftRuleInfo> RulesOf(NftChain chain, string device) =>
        [.. _connection.ListRules(chain).Where(rule => rule.Comment == device)];

    private static NftChain Forward(NftTable table) => new(table, "FORWARD");

    private static NftChain Ours(NftTable table) => new(table, ChainName);

    private static IExpression[] Is(NFT_META key, byte[] name) => [new Meta(key, NFT.REG32_00), new Compare(NFT.REG32_00, NFT_CMP.EQ, name)];
}
