using System.Net;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <summary>An address of an interface, with the length of its network's prefix.</summary>
public sealed record InterfaceAddress(IPAddress Address, int PrefixLength)
{
    /// <summary>The interface; set in what the kernel lists.</summary>
    public InterfaceIndex Index { get; init; }

    /// <summary>Whether it is global (and not link or host).</summary>
    public RT_SCOPE Scope { get; init; }

    /// <summary>IFA_F_* flags. NODAD: use an IPv6 address at once, without duplicate address detection.</summary>
    public IFA_F Flags { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{PrefixLength}";
}
