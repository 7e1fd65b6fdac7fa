using CniPlugins.Linux;

namespace CniPlugins.Netlink;

/// <summary>The kernel refused a request.</summary>
public sealed class NetlinkException : IOException
{
    /// <summary>Collects what is known of a refusal.</summary>
    /// <param name="errno">The kernel's error number.</param>
    /// <param name="operation">Message type and subject, such as <c>RTM_NEWLINK eth0</c>.</param>
    /// <param name="kernelMessage">The kernel's own words (NLMSGERR_ATTR_MSG), if it gave any.</param>
    /// <param name="attributePath">The attribute it names (NLMSGERR_ATTR_OFFS), such as <c>LINKINFO/DATA/VLAN_FILTERING</c>.</param>
    public NetlinkException(Errno errno, string operation, string? kernelMessage, string? attributePath)
        : base(Compose(errno, operation, kernelMessage, attributePath))
    {
        Errno = errno;
        Operation = operation;
        KernelMessage = kernelMessage;
        AttributePath = attributePath;
    }

    /// <summary>The kernel's error number.</summary>
    public Errno Errno { get; }

    /// <summary>Message type and subject.</summary>
    public string Operation { get; }

    /// <summary>The kernel's own words, or null.</summary>
    public string? KernelMessage { get; }

    /// <summary>The attribute the kernel names, or null.</summary>
    public string? AttributePath { get; }

    private static string Compose(Errno errno, string operation, string? kernelMessage, string? attributePath)
    {
        string text = $"{operation}: {LinuxException.Describe(errno)}";
        if (attributePath is not null)
        {
            text += $" at {attributePath}";
        }

        return kernelMessage is null ? text : $"{text}: {kernelMessage}";
    }
}
