using CniPlugins.Cni;

namespace CniPlugins.Attachments;

/// <summary>Which addresses are tried on the link before they are used, lest another station has them.</summary>
public enum DuplicateDetection
{
    /// <summary>None: nobody but we gives out addresses there.</summary>
    None,

    /// <summary>IPv6 addresses, by the kernel (RFC 4862 section 5.4): 1 to 2 s.</summary>
    Ipv6,

    /// <summary>IPv6 addresses by the kernel, and IPv4 addresses by ARP probes (RFC 5227): less than half a second more.</summary>
    All,
}

/// <summary>The key <c>detectDuplicates</c>.</summary>
public static class DuplicateDetectionText
{
    /// <summary>Reads it: true is both families, false none; absent, what the driver says.</summary>
    /// <exception cref="CniException">No bool (6).</exception>
    public static DuplicateDetection Read(ConfigObject root, DuplicateDetection otherwise) => root.FindBool("detectDuplicates") switch
    {
        true => DuplicateDetection.All,
        false => DuplicateDetection.None,
        null => otherwise,
    };
}
