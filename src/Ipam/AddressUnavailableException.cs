using System.Net;

namespace CniPlugins.Ipam;

/// <summary>A requested address cannot be had: taken, in no range, the gateway, or one too many for the range sets.</summary>
public sealed class AddressUnavailableException : IpamException
{
    /// <summary>Names the address and the reason.</summary>
    public AddressUnavailableException(IPAddress address, string message, bool isLeased = false)
        : base(message)
    {
        Address = address;
        IsLeased = isLeased;
    }

    /// <summary>The requested address.</summary>
    public IPAddress Address { get; }

    /// <summary>Whether another container has it, so that the same request may succeed later.</summary>
    public bool IsLeased { get; }
}
