namespace CniPlugins.Linux.Uapi;

/// <summary>TUNSET*: requests of ioctl(2) on /dev/net/tun.</summary>
[KernelEnum("TUNSET", "linux/if_tun.h")]
internal enum TUNSET : uint
{
    IFF = 0x400454ca,
    PERSIST = 0x400454cb,
    OWNER = 0x400454cc,
    GROUP = 0x400454ce,
}

/// <summary>IFF_*: what kind of tun device.</summary>
[Flags, KernelEnum("IFF_", "linux/if_tun.h")]
internal enum IFF : ushort
{
    TAP = 0x0002,
    MULTI_QUEUE = 0x0100,
    NO_PI = 0x1000,
    VNET_HDR = 0x4000,
    TUN_EXCL = 0x8000,
}
