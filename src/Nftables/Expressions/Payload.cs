using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Expressions;

/// <summary><c>[ payload load LENGTHb @ BASE header + OFFSET => reg N ]</c>: bytes of the packet, network order.</summary>
public sealed record Payload(NFT_PAYLOAD Base, uint Offset, uint Length, NFT Register) : IExpression
{
    /// <inheritdoc/>
    public string Name => "payload";

    /// <summary><c>ip saddr</c>.</summary>
    public static Payload Ipv4Source(NFT register) => new(NFT_PAYLOAD.NETWORK_HEADER, 12, 4, register);

    /// <summary><c>ip daddr</c>.</summary>
    public static Payload Ipv4Destination(NFT register) => new(NFT_PAYLOAD.NETWORK_HEADER, 16, 4, register);

    /// <summary><c>ip6 saddr</c>.</summary>
    public static Payload Ipv6Source(NFT register) => new(NFT_PAYLOAD.NETWORK_HEADER, 8, 16, register);

    /// <summary><c>ip6 daddr</c>.</summary>
    public static Payload Ipv6Destination(NFT register) => new(NFT_PAYLOAD.NETWORK_HEADER, 24, 16, register);

    /// <summary><c>th dport</c>: where TCP, UDP, SCTP and DCCP keep it.</summary>
    public static Payload DestinationPort(NFT register) => new(NFT_PAYLOAD.TRANSPORT_HEADER, 2, 2, register);

    /// <inheritdoc/>
    public void WriteData(AttributeWriter<NFTA_EXPR> expression)
    {
        using (expression.Nest(NFTA_EXPR.DATA, out AttributeWriter<NFTA_PAYLOAD> data))
        {
            data.PutU32BigEndian(NFTA_PAYLOAD.DREG, (uint)Register);
            data.PutU32BigEndian(NFTA_PAYLOAD.BASE, (uint)Base);
            data.PutU32BigEndian(NFTA_PAYLOAD.OFFSET, Offset);
            data.PutU32BigEndian(NFTA_PAYLOAD.LEN, Length);
        }
    }
}
