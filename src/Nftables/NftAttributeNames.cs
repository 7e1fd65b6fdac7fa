using System.Globalization;
using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables;

/// <summary>Names of nf_tables messages and of their outermost attributes.</summary>
internal sealed class NftAttributeNames : IAttributeNames
{
    public static NftAttributeNames Instance { get; } = new();

    public string MessageName(ushort messageType) => $"NFT_MSG_{(NFT_MSG)(messageType & 0xff)}";

    public int HeaderLength(ushort messageType) => 4;

    public string AttributeName(ushort messageType, string? scope, ushort type, ReadOnlySpan<byte> before, out string? inner)
    {
        inner = null;
        return scope is not null
            ? type.ToString(CultureInfo.InvariantCulture)
            : (NFT_MSG)(messageType & 0xff) switch
            {
                NFT_MSG.NEWTABLE or NFT_MSG.GETTABLE or NFT_MSG.DELTABLE => ((NFTA_TABLE)type).ToString(),
                NFT_MSG.NEWCHAIN or NFT_MSG.GETCHAIN or NFT_MSG.DELCHAIN => ((NFTA_CHAIN)type).ToString(),
                NFT_MSG.NEWRULE or NFT_MSG.GETRULE or NFT_MSG.DELRULE => ((NFTA_RULE)type).ToString(),
                NFT_MSG.NEWSET => ((NFTA_SET)type).ToString(),
                _ => ((NFTA_SET_ELEM_LIST)type).ToString(),
            };
    }
}
