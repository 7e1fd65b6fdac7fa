using System.Runtime.InteropServices;
using CniPlugins.Linux;

namespace CniPlugins.Nftables.Uapi;

/// <summary>XT_CONNTRACK_*: what a conntrack match of iptables looks at, and the states it may ask for.</summary>
[Flags, KernelEnum("XT_CONNTRACK_", "linux/netfilter/xt_conntrack.h")]
public enum XT_CONNTRACK : ushort
{
    STATE = 1 << 0,
    [KernelName("XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED)")] STATE_ESTABLISHED = 1 << 1,
    [KernelName("XT_CONNTRACK_STATE_BIT(IP_CT_RELATED)")] STATE_RELATED = 1 << 2,
    STATE_DNAT = 1 << 7,
}

/// <summary>What a conntrack match of iptables asks for; addresses and ports are left at zero. <c>struct xt_conntrack_mtinfo3</c>.</summary>
[KernelStruct("struct xt_conntrack_mtinfo3", "linux/netfilter/xt_conntrack.h"), StructLayout(LayoutKind.Explicit, Size = 164)]
public struct XtConntrackMtInfo3
{
    [FieldOffset(146), KernelField("match_flags")] public ushort MatchFlags;
    [FieldOffset(148), KernelField("invert_flags")] public ushort InvertFlags;
    [FieldOffset(150), KernelField("state_mask")] public ushort StateMask;
    [FieldOffset(152), KernelField("status_mask")] public ushort StatusMask;
}
