using System.Net;
using System.Net.Sockets;
using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink.Route;

/// <content>Addresses and neighbours.</content>
public sealed partial class RouteConnection
{
    /// <summary>Gives an interface an address. <c>ip address add ADDRESS/LENGTH dev DEV</c>.</summary>
    /// <returns>False when the interface had it already.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool EnsureAddress(InterfaceIndex index, InterfaceAddress address) => TryExecute(
        AddressRequest(RTM.NEWADDR, NLM_F.CREATE | NLM_F.EXCL, index, address), $"{address} on index {index}", Errno.EEXIST);

    /// <summary>Gives an interface an address.</summary>
    /// <exception cref="NetlinkException">EEXIST: the interface has it already.</exception>
    public void AddAddress(InterfaceIndex index, InterfaceAddress address) => Execute(
        AddressRequest(RTM.NEWADDR, NLM_F.CREATE | NLM_F.EXCL, index, address), $"{address} on index {index}");

    /// <summary>Takes an address from an interface; false when it had none such. <c>ip address del</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool TryDeleteAddress(InterfaceIndex index, InterfaceAddress address) => TryExecute(
        AddressRequest(RTM.DELADDR, 0, index, address), $"{address} on index {index}", Errno.EADDRNOTAVAIL, Errno.ENODEV);

    /// <summary>An interface's addresses of both families. <c>ip address show dev DEV</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<InterfaceAddress> ListAddresses(InterfaceIndex index)
    {
        NetlinkMessage<IFA> request = Request<IfAddrMsg, IFA>((ushort)RTM.GETADDR, NLM_F.DUMP, new IfAddrMsg { Index = (uint)index.Value });
        return Dump<IFA, InterfaceAddress>(request, ParseAddress, $"addresses of index {index}");
    }

    /// <summary>All addresses of the namespace. <c>ip address show</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<InterfaceAddress> ListAddresses() =>
        Dump<IFA, InterfaceAddress>(Request<IfAddrMsg, IFA>((ushort)RTM.GETADDR, NLM_F.DUMP, default), ParseAddress, "all addresses");

    /// <summary>Forgets what link-layer address an IP address had. <c>ip neighbour del ADDRESS dev DEV</c>.</summary>
    /// <returns>False when nothing was known.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool TryDeleteNeighbour(InterfaceIndex index, IPAddress address)
    {
        NetlinkMessage<NDA> request = Request<NdMsg, NDA>(
            (ushort)RTM.DELNEIGH, 0, new NdMsg { Family = AddressFamilyNumber.Of(address), Index = index.Value });
        request.Attributes.PutAddress(NDA.DST, address);
        return TryExecute(request, $"{address} on index {index}", Errno.ENOENT, Errno.ENODEV);
    }

    private static InterfaceAddress? ParseAddress(NetlinkReply reply)
    {
        IfAddrMsg header = reply.HeaderAs<IfAddrMsg>();
        IPAddress? local = null;
        IPAddress? address = null;
        IFA_F flags = (IFA_F)header.Flags;
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<IfAddrMsg>())
        {
            switch (attribute.As<IFA>())
            {
                case IFA.LOCAL:
                    local = attribute.GetAddress();
                    break;
                case IFA.ADDRESS:
                    address = attribute.GetAddress();
                    break;
                case IFA.FLAGS:
                    flags = (IFA_F)attribute.GetU32();
                    break;
                default:
                    break;
            }
        }

        // IFA_ADDRESS is the other end's on point-to-point links; IPv6 sends no IFA_LOCAL otherwise.
        IPAddress? own = local ?? address;
        return own is null
            ? null
            : new InterfaceAddress(own, header.PrefixLength)
            {
                Index = new InterfaceIndex(unchecked((int)header.Index)),
                Scope = (RT_SCOPE)header.Scope,
                Flags = flags,
            };
    }

    private NetlinkMessage<IFA> AddressRequest(RTM type, NLM_F flags, InterfaceIndex index, InterfaceAddress address)
    {
        NetlinkMessage<IFA> request = Request<IfAddrMsg, IFA>((ushort)type, flags, new IfAddrMsg
        {
            Family = AddressFamilyNumber.Of(address.Address),
            PrefixLength = (byte)address.PrefixLength,
            Index = (uint)index.Value,
            Scope = (byte)address.Scope,
        });
        request.Attributes.PutAddress(IFA.LOCAL, address.Address);
        request.Attributes.PutAddress(IFA.ADDRESS, address.Address);
        if (type == RTM.NEWADDR && address.Address.AddressFamily == AddressFamily.InterNetwork && address.PrefixLength < 31)
        {
            request.Attributes.PutAddress(IFA.BROADCAST, Broadcast(address));
        }

        if (address.Flags != 0)
        {
            request.Attributes.PutU32(IFA.FLAGS, (uint)address.Flags);
        }

        return request;
    }

    private static IPAddress Broadcast(InterfaceAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        address.Address.TryWriteBytes(bytes, out _);
        for (int bit = address.PrefixLength; bit < 32; bit++)
        {
            bytes[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }

        return new IPAddress(bytes);
    }
}
