using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Netlink.Uapi;

/// <summary>IFLA_*: attributes of a link.</summary>
[KernelEnum("IFLA_", "linux/if_link.h")]
public enum IFLA : ushort
{
    ADDRESS = 1,
    IFNAME = 3,
    MTU = 4,
    LINK = 5,
    MASTER = 10,
    PROTINFO = 12,
    TXQLEN = 13,
    OPERSTATE = 16,
    LINKINFO = 18,
    IFALIAS = 20,
    AF_SPEC = 26,
    GROUP = 27,
    NET_NS_FD = 28,
    EXT_MASK = 29,
    PROMISCUITY = 30,
    NUM_TX_QUEUES = 31,
    NUM_RX_QUEUES = 32,
    LINK_NETNSID = 37,
    PROP_LIST = 52,
    ALT_IFNAME = 53,
}

/// <summary>IFLA_INFO_*: attributes within IFLA_LINKINFO.</summary>
[KernelEnum("IFLA_INFO_", "linux/if_link.h")]
public enum IFLA_INFO : ushort
{
    KIND = 1,
    DATA = 2,
    SLAVE_KIND = 4,
    SLAVE_DATA = 5,
}

/// <summary>IFLA_BR_*: a bridge's attributes within IFLA_INFO_DATA.</summary>
[KernelEnum("IFLA_BR_", "linux/if_link.h")]
public enum IFLA_BR : ushort
{
    FORWARD_DELAY = 1,
    VLAN_FILTERING = 7,
    VLAN_DEFAULT_PVID = 39,
}

/// <summary>IFLA_BRPORT_*: a bridge port's attributes within IFLA_INFO_SLAVE_DATA and IFLA_PROTINFO.</summary>
[KernelEnum("IFLA_BRPORT_", "linux/if_link.h")]
public enum IFLA_BRPORT : ushort
{
    STATE = 1,
    MODE = 4,
    ISOLATED = 33,
}

/// <summary>IFLA_INET_*: IPv4 attributes within IFLA_AF_SPEC.</summary>
[KernelEnum("IFLA_INET_", "linux/if_link.h")]
public enum IFLA_INET : ushort
{
    CONF = 1,
}

/// <summary>IPV4_DEVCONF_*: the sysctls of net/ipv4/conf, as attribute types within IFLA_INET_CONF.</summary>
[KernelEnum("IPV4_DEVCONF_", "linux/ip.h")]
public enum IPV4_DEVCONF : ushort
{
    ARP_NOTIFY = 22,
    ROUTE_LOCALNET = 26,
}

/// <summary>VETH_INFO_*: a veth pair's attributes within IFLA_INFO_DATA.</summary>
[KernelEnum("VETH_INFO_", "linux/veth.h")]
public enum VETH_INFO : ushort
{
    PEER = 1,
}

/// <summary>IFLA_MACVLAN_*: a macvlan's attributes within IFLA_INFO_DATA.</summary>
[KernelEnum("IFLA_MACVLAN_", "linux/if_link.h")]
public enum IFLA_MACVLAN : ushort
{
    MODE = 1,
    FLAGS = 2,
    MACADDR_MODE = 3,
    MACADDR = 4,
    MACADDR_DATA = 5,
    BC_QUEUE_LEN = 7,
    [NewerThanHeaders("6.4")] BC_CUTOFF = 9,
}

/// <summary>MACVLAN_MODE_*: whom a macvlan talks to on its parent.</summary>
[KernelEnum("MACVLAN_MODE_", "linux/if_link.h")]
public enum MACVLAN_MODE : uint
{
    PRIVATE = 1,
    VEPA = 2,
    BRIDGE = 4,
    PASSTHRU = 8,
    SOURCE = 16,
}

/// <summary>MACVLAN_FLAG_*: settings of a macvlan.</summary>
[Flags, KernelEnum("MACVLAN_FLAG_", "linux/if_link.h")]
public enum MACVLAN_FLAG : ushort
{
    [KernelName("0")] NONE = 0,
    NOPROMISC = 1,
    NODST = 2,
}

/// <summary>MACVLAN_MACADDR_*: what to do with the list of a macvlan in source mode.</summary>
[KernelEnum("MACVLAN_MACADDR_", "linux/if_link.h")]
public enum MACVLAN_MACADDR : uint
{
    SET = 3,
}

/// <summary>IFLA_IPVLAN_*: an ipvlan's attributes within IFLA_INFO_DATA.</summary>
[KernelEnum("IFLA_IPVLAN_", "linux/if_link.h")]
public enum IFLA_IPVLAN : ushort
{
    MODE = 1,
    FLAGS = 2,
}

/// <summary>IPVLAN_MODE_*: at which layer an ipvlan decides; of the parent, not of one link.</summary>
[KernelEnum("IPVLAN_MODE_", "linux/if_link.h")]
public enum IPVLAN_MODE : ushort
{
    L2 = 0,
    L3 = 1,
    L3S = 2,
}

/// <summary>IPVLAN_F_*: whom an ipvlan talks to on its parent; none: each other (bridge).</summary>
[Flags, KernelEnum("IPVLAN_F_", "linux/if_link.h")]
public enum IPVLAN_F : ushort
{
    [KernelName("0")] BRIDGE = 0,
    PRIVATE = 1,
    VEPA = 2,
}

/// <summary>IFLA_VLAN_*: a VLAN's attributes within IFLA_INFO_DATA.</summary>
[KernelEnum("IFLA_VLAN_", "linux/if_link.h")]
public enum IFLA_VLAN : ushort
{
    ID = 1,
    PROTOCOL = 5,
}

/// <summary>IFLA_VRF_*: a VRF's attributes within IFLA_INFO_DATA.</summary>
[KernelEnum("IFLA_VRF_", "linux/if_link.h")]
public enum IFLA_VRF : ushort
{
    TABLE = 1,
}

/// <summary>IFLA_BRIDGE_*: attributes within IFLA_AF_SPEC of an AF_BRIDGE message.</summary>
[KernelEnum("IFLA_BRIDGE_", "linux/if_bridge.h")]
public enum IFLA_BRIDGE : ushort
{
    FLAGS = 0,
    VLAN_INFO = 2,
}

/// <summary>BRIDGE_VLAN_INFO_*: flags of one VLAN of a port.</summary>
[Flags, KernelEnum("BRIDGE_VLAN_INFO_", "linux/if_bridge.h")]
public enum BRIDGE_VLAN_INFO : ushort
{
    PVID = 1 << 1,
    UNTAGGED = 1 << 2,
    RANGE_BEGIN = 1 << 3,
    RANGE_END = 1 << 4,
}

/// <summary>BR_STATE_*: a bridge port's state.</summary>
[KernelEnum("BR_STATE_", "linux/if_bridge.h")]
public enum BR_STATE : byte
{
    DISABLED = 0,
    FORWARDING = 3,
}

/// <summary>RTEXT_FILTER_*: what a link dump is to contain beside the usual.</summary>
[KernelEnum("RTEXT_FILTER_", "linux/rtnetlink.h")]
public enum RTEXT_FILTER : uint
{
    BRVLAN = 1 << 1,
    BRVLAN_COMPRESSED = 1 << 2,
    SKIP_STATS = 1 << 3,
}

/// <summary>One VLAN, or an end of a range, of a bridge port; 4 bytes, host order. <c>struct bridge_vlan_info</c>.</summary>
[KernelStruct("struct bridge_vlan_info", "linux/if_bridge.h"), StructLayout(LayoutKind.Sequential)]
public struct BridgeVlanInfo
{
    [KernelField("flags")] public ushort Flags;
    [KernelField("vid")] public ushort Vid;
}

/// <summary>IF_OPER_*: RFC 2863 operational state.</summary>
[KernelEnum("IF_OPER_", "linux/if.h")]
public enum IF_OPER : byte
{
    UNKNOWN = 0,
    DOWN = 2,
    LOWERLAYERDOWN = 3,
    UP = 6,
}

/// <summary>IFF_*: interface flags.</summary>
[Flags, KernelEnum("IFF_", "linux/if.h")]
public enum IFF : uint
{
    UP = 1,
    LOOPBACK = 8,
    PROMISC = 0x100,
    ALLMULTI = 0x200,
    LOWER_UP = 0x10000,
}
