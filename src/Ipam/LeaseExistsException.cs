using System.Net;

namespace CniPlugins.Ipam;

/// <summary>The owner has an address of this range set already; the specification allows one ADD for a container and interface name.</summary>
public sealed class LeaseExistsException : IpamException
{
    /// <summary>Names the owner and what it has.</summary>
    public LeaseExistsException(LeaseOwner owner, IPAddress address)
        : base($"{AddressText.Format(address)} is already leased to container {owner.ContainerId}, interface {owner.InterfaceName}; "
            + "it must be deleted (DEL) before it is added again")
    {
        Owner = owner;
        Address = address;
    }

    /// <summary>Who has it.</summary>
    public LeaseOwner Owner { get; }

    /// <summary>What it has.</summary>
    public IPAddress Address { get; }
}
