using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables;

/// <summary>Makes elements of NFT_MSG_NEWSETELEM.</summary>
internal static class NftElementParser
{
    public static IReadOnlyList<NftElement> Parse(NetlinkReply reply)
    {
        List<NftElement> elements = [];
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<NfGenMsg>())
        {
            if (attribute.As<NFTA_SET_ELEM_LIST>() != NFTA_SET_ELEM_LIST.ELEMENTS)
            {
                continue;
            }

            foreach (NetlinkAttribute element in attribute.Nested)
            {
                elements.Add(ParseElement(element.Nested));
            }
        }

        return elements;
    }

    private static NftElement ParseElement(AttributeReader attributes)
    {
        NftElement element = new([]);
        foreach (NetlinkAttribute attribute in attributes)
        {
            element = attribute.As<NFTA_SET_ELEM>() switch
            {
                NFTA_SET_ELEM.KEY => element with { Key = ParseValue(attribute.Nested) },
                NFTA_SET_ELEM.KEY_END => element with { KeyEnd = ParseValue(attribute.Nested) },
                NFTA_SET_ELEM.DATA => element with { Data = ParseValue(attribute.Nested) },
                NFTA_SET_ELEM.USERDATA => element with { Comment = NftComment.Read(attribute.Value) },
                _ => element,
            };
        }

        return element;
    }

    public static byte[] ParseValue(AttributeReader data)
    {
        foreach (NetlinkAttribute attribute in data)
        {
            if (attribute.As<NFTA_DATA>() == NFTA_DATA.VALUE)
            {
                return attribute.Value.ToArray();
            }
        }

        return [];
    }
}
