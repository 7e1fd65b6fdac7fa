using CniPlugins.Linux;

namespace CniPlugins.Nftables;

/// <summary>The kernel refused a transaction, and nothing of it was done.</summary>
public sealed class NftException : IOException
{
    internal NftException(Errno errno, string operation, string? kernelMessage, NftChange? change)
        : base(kernelMessage is null
            ? $"nftables: {operation}: {LinuxException.Describe(errno)}"
            : $"nftables: {operation}: {LinuxException.Describe(errno)}: {kernelMessage}")
    {
        Errno = errno;
        Set = change?.Set;
        Element = change?.Element;
    }

    /// <summary>The kernel's error number for the first change that it refused.</summary>
    public Errno Errno { get; }

    /// <summary>The set of the element that was refused, if it was an element.</summary>
    public NftSet? Set { get; }

    /// <summary>The element that was refused, if it was one.</summary>
    public NftElement? Element { get; }
}
