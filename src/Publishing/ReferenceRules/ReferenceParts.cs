namespace CniPlugins.Publishing.ReferenceRules;

/// <summary>What a plugin's namesake among the reference plugins may have put into nftables for an attachment.</summary>
[Flags]
public enum ReferenceParts
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The way out by the host's address: <c>ipMasq</c> of bridge and ptp, of either backend.</summary>
    Masquerade = 1 << 0,

    /// <summary>The check of source addresses: <c>macspoofchk</c> of bridge.</summary>
    SpoofCheck = 1 << 1,

    /// <summary>Published ports: portmap, of either backend.</summary>
    Ports = 1 << 2,

    /// <summary>What is let through: firewall's iptables backend.</summary>
    Access = 1 << 3,

    /// <summary>All of it.</summary>
    All = Masquerade | SpoofCheck | Ports | Access,
}
