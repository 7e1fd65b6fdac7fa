using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables;

/// <summary>Makes rules of NFT_MSG_NEWRULE. What an expression means is read where it is asked for, and passed over elsewhere.</summary>
internal static class NftRuleParser
{
    public static NftRuleInfo Parse(NetlinkReply reply)
    {
        NftRuleInfo rule = new(string.Empty, 0);
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<NfGenMsg>())
        {
            rule = attribute.As<NFTA_RULE>() switch
            {
                NFTA_RULE.CHAIN => rule with { Chain = attribute.GetString() },
                NFTA_RULE.HANDLE => rule with { Handle = attribute.GetU64BigEndian() },
                NFTA_RULE.USERDATA => rule with { Comment = NftComment.Read(attribute.Value) ?? rule.Comment },
                NFTA_RULE.EXPRESSIONS => ParseExpressions(rule, attribute.Nested),
                _ => rule,
            };
        }

        return rule;
    }

    private static NftRuleInfo ParseExpressions(NftRuleInfo rule, AttributeReader list)
    {
        List<byte[]> compared = [];
        foreach (NetlinkAttribute element in list)
        {
            string name = string.Empty;
            AttributeReader data = default;
            foreach (NetlinkAttribute attribute in element.Nested)
            {
                switch (attribute.As<NFTA_EXPR>())
                {
                    case NFTA_EXPR.NAME:
                        name = attribute.GetString();
                        break;
                    case NFTA_EXPR.DATA:
                        data = attribute.Nested;
                        break;
                }
            }

            switch (name)
            {
                case "immediate":
                    rule = rule with { Target = FindTarget(data) ?? rule.Target };
                    break;
                case "match":
                    rule = rule with { Comment = FindComment(data) ?? rule.Comment };
                    break;
                case "cmp" when FindValue(data) is byte[] value:
                    compared.Add(value);
                    break;
            }
        }

        return rule with { Compared = compared };
    }

    private static string? FindTarget(AttributeReader immediate)
    {
        foreach (NetlinkAttribute attribute in immediate)
        {
            if (attribute.As<NFTA_IMMEDIATE>() != NFTA_IMMEDIATE.DATA)
            {
                continue;
            }

            foreach (NetlinkAttribute data in attribute.Nested)
            {
                if (data.As<NFTA_DATA>() == NFTA_DATA.VERDICT)
                {
                    return FindChain(data.Nested);
                }
            }
        }

        return null;
    }

    private static string? FindChain(AttributeReader verdict)
    {
        foreach (NetlinkAttribute attribute in verdict)
        {
            if (attribute.As<NFTA_VERDICT>() == NFTA_VERDICT.CHAIN)
            {
                return attribute.GetString();
            }
        }

        return null;
    }

    /// <summary>The text of a comment match: <c>struct xt_comment_info</c>, 256 characters.</summary>
    private static string? FindComment(AttributeReader match)
    {
        string? comment = null;
        bool isComment = false;
        foreach (NetlinkAttribute attribute in match)
        {
            switch (attribute.As<NFTA_MATCH>())
            {
                case NFTA_MATCH.NAME:
                    isComment = attribute.GetString() == "comment";
                    break;
                case NFTA_MATCH.INFO:
                    comment = attribute.GetString();
                    break;
            }
        }

        return isComment ? comment : null;
    }

    private static byte[]? FindValue(AttributeReader compare)
    {
        foreach (NetlinkAttribute attribute in compare)
        {
            if (attribute.As<NFTA_CMP>() == NFTA_CMP.DATA)
            {
                return NftElementParser.ParseValue(attribute.Nested);
            }
        }

        return null;
    }
}
