using System.Net;
using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <content>Policy rules.</content>
public sealed partial class RouteConnection
{
    /// <summary>Adds a rule. <c>ip rule add from SOURCE lookup TABLE</c>.</summary>
    /// <exception cref="NetlinkException">EEXIST: there is the same rule already; EOPNOTSUPP: the kernel has none for the family.</exception>
    public void AddRule(PolicyRule rule) => Execute(RuleRequest(RTM.NEWRULE, NLM_F.CREATE | NLM_F.EXCL, rule), $"{rule}");

    /// <summary>Deletes a rule; false when there was none such. <c>ip rule del</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool TryDeleteRule(PolicyRule rule) =>
        TryExecute(RuleRequest(RTM.DELRULE, 0, rule), $"{rule}", Errno.ENOENT, Errno.EOPNOTSUPP);

    /// <summary>
    /// The rules of both families that look at the source or at nothing, and choose a table; those that look at more are left out.
    /// <c>ip rule show</c>, and <c>-6</c>.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<PolicyRule> ListRules()
    {
        List<PolicyRule> rules = [];
        foreach (byte family in (ReadOnlySpan<byte>)[AddressFamilyNumber.Inet, AddressFamilyNumber.Inet6])
        {
            NetlinkMessage<FRA> request = Request<FibRuleHdr, FRA>((ushort)RTM.GETRULE, NLM_F.DUMP, new FibRuleHdr { Family = family });
            try
            {
                rules.AddRange(Dump<FRA, PolicyRule>(request, ParseRule, "all rules"));
            }
            catch (NetlinkException e) when (e.Errno == Errno.EOPNOTSUPP && family == AddressFamilyNumber.Inet6)
            {
                // ipv6.disable=1, or a kernel without rules for IPv6: there are none.
            }
        }

        return rules;
    }

    private static PolicyRule? ParseRule(NetlinkReply reply)
    {
        FibRuleHdr header = reply.HeaderAs<FibRuleHdr>();
        if ((FR_ACT)header.Action != FR_ACT.TO_TBL || header.DestinationLength > 0 || header.Tos != 0)
        {
            return null;
        }

        PolicyRule rule = new(header.Family == AddressFamilyNumber.Inet6 ? IPAddress.IPv6Any : IPAddress.Any, header.SourceLength)
        {
            Table = header.Table,
            Priority = 0,
        };
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<FibRuleHdr>())
        {
            switch (attribute.As<FRA>())
            {
                case FRA.SRC:
                    rule = rule with { Source = attribute.GetAddress() };
                    break;
                case FRA.TABLE:
                    rule = rule with { Table = attribute.GetU32() };
                    break;
                case FRA.PRIORITY:
                    rule = rule with { Priority = attribute.GetU32() };
                    break;
                case FRA.IIFNAME or FRA.OIFNAME or FRA.FWMARK or FRA.L3MDEV or FRA.UID_RANGE or FRA.IP_PROTO or FRA.SPORT_RANGE or FRA.DPORT_RANGE:
                    return null;
                default:
                    break;
            }
        }

        return rule;
    }

    private NetlinkMessage<FRA> RuleRequest(RTM type, NLM_F flags, PolicyRule rule)
    {
        NetlinkMessage<FRA> request = Request<FibRuleHdr, FRA>((ushort)type, flags, new FibRuleHdr
        {
            Family = AddressFamilyNumber.Of(rule.Source),
            SourceLength = (byte)rule.PrefixLength,
            Table = (byte)(rule.Table < 256 ? rule.Table : (uint)RT_TABLE.UNSPEC),
            Action = (byte)FR_ACT.TO_TBL,
        });
        if (rule.PrefixLength > 0)
        {
            request.Attributes.PutAddress(FRA.SRC, rule.Source);
        }

        request.Attributes.PutU32(FRA.TABLE, rule.Table);
        if (rule.Priority is uint priority)
        {
            request.Attributes.PutU32(FRA.PRIORITY, priority);
        }

        return request;
    }
}
