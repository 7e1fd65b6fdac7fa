using System.Net;

namespace CniPlugins.Ipam;

/// <summary>A requested address cannot be had: taken, in no range, the gateway, or one too many for the range sets.</summary>
public sealed class AddressUnavailableException : IpamException
{
    /// <summary>Names the address and the reason.</summary>
    public AddressUnavailableException(IPAddress address, string message)
        : base(message) => Address = address;

    /// <summary>The requested address.</summary>
    public IPAddress Address { get; }
}
