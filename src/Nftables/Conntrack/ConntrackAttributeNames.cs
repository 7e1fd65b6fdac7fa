using CniPlugins.Netlink;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables.Conntrack;

/// <summary>Names of connection tracking messages and of their outermost attributes.</summary>
internal sealed class ConntrackAttributeNames : IAttributeNames
{
    public static ConntrackAttributeNames Instance { get; } = new();

    public string MessageName(ushort messageType) => $"IPCTNL_MSG_CT_{(IPCTNL_MSG_CT)(messageType & 0xff)}";

    public int HeaderLength(ushort messageType) => 4;

    public string AttributeName(ushort messageType, string? scope, ushort type, ReadOnlySpan<byte> before, out string? inner)
    {
        inner = null;
        return ((CTA)type).ToString();
    }
}
