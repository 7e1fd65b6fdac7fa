using CniPlugins.Netlink;
using CniPlugins.Nftables;
using CniPlugins.Nftables.Expressions;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Publishing;

/// <summary>
/// The table <c>bridge cni_plugins</c>: a frame that comes in by a guarded port must have the source address that belongs to it. Apart from the
/// other table because only the bridge family sees frames that are switched and not routed.
/// </summary>
public static class SpoofCheck
{
    /// <summary>How many rules there are.</summary>
    internal const int RuleCount = 1;

    internal static readonly NftTable Table = new(NFPROTO.BRIDGE, "cni_plugins");

    internal static readonly NftSet Guarded = new(Table, "guarded", [NftDataType.InterfaceName]);

    internal static readonly NftSet Allowed = new(Table, "allowed", [NftDataType.InterfaceName, NftDataType.EtherAddress]);

    /// <summary>The two elements that tie a host-side interface to its container's address.</summary>
    public static IReadOnlyList<RuleElement> Elements(string hostInterface, MacAddress mac, string comment)
    {
        byte[] allowed = new byte[24];   // name 16, address 6, padding 2
        new NftKey().AddInterfaceName(hostInterface).ToArray().CopyTo(allowed, 0);
        mac.WriteTo(allowed.AsSpan(16));
        return
        [
            new RuleElement(Guarded.Name, new NftElement(new NftKey().AddInterfaceName(hostInterface).ToArray()) { Comment = comment }),
            new RuleElement(Allowed.Name, new NftElement(allowed) { Comment = comment }),
        ];
    }

    internal static void Create(NftTransaction transaction)
    {
        NftChain chain = new(Table, "prerouting") { Hook = new NftHook("filter", NF_INET.PRE_ROUTING, -300) };
        transaction.AddTable(Table, "made by the CNI plugins; elements carry network, container and interface");
        transaction.AddSet(Guarded);
        transaction.AddSet(Allowed);
        transaction.AddChain(chain);
        transaction.AddRule(new NftRule(chain, "source addresses that are not the container's",
        [
            new Meta(NFT_META.IIFNAME, NFT.REG32_00),
            new Lookup(Guarded, NFT.REG32_00),
            new Payload(NFT_PAYLOAD.LL_HEADER, 6, 6, NFT.REG32_04),
            new Lookup(Allowed, NFT.REG32_00, Invert: true),
            Verdict.Drop,
        ]));
    }
}
