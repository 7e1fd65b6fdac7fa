using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Route.Kinds;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>
/// An interface of the host beside the containers' on one master. A master never talks to what hangs on it; this does, and so lets the host and its containers
/// reach each other. One for each network; it goes with the network's last container.
/// </summary>
public static class HostShim
{
    /// <summary>The shim of the attachment's network, made if it is not there, with addresses that nobody else has.</summary>
    /// <param name="attachment">The attachment.</param>
    /// <param name="shared">Notes of what the network's attachments share on the shim.</param>
    /// <param name="master">What containers hang on.</param>
    /// <param name="kind">As the containers' interfaces are.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static Link Ensure(Attachment attachment, BridgeState shared, Link master, ILinkKind kind)
    {
        RouteConnection route = attachment.Host.Route;
        string name = shared.Bridge;
        Link? shim = route.FindLink(name);
        if (shim is not null && (!BridgeState.IsOurs(shim) || shim.Peer != master.Index))
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"the interface {name}, by which this host would reach the containers, is there already and is another's: remove it");
        }

        if (shim is null)
        {
            shared.AddLink(name);
            try
            {
                route.AddLink(new LinkRequest
                {
                    Name = name,
                    Kind = kind,
                    Parent = master.Index,
                    Mac = kind is MacvlanKind ? BridgeState.DeriveMac(name) : null,
                    Group = BridgeState.DeriveGroup(name),
                });
            }
            catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
            {
                // Another ADD of the network was quicker.
            }

            shim = route.GetLink(name);
        }

        HostInterface.Harden(name);
        using KernelEvents routes = attachment.Host.ListenToRoutes();
        EnsureAddress(route, shim, Address4(name));
        bool v6 = EnsureAddress(route, shim, Address6(name));
        route.SetUp(shim.Index);
        if (v6)
        {
            LocalAddresses.Await(route, routes, shim, [Address6(name)]);
        }

        return shim;
    }

    /// <summary>Routes from the host to the container's addresses, and back to the shim's.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static void Connect(Attachment attachment, Link shim, Link container, AddResult lease)
    {
        Host host = attachment.Host;
        HashSet<AddressFamily> families = [];
        foreach (ResultIp ip in lease.Ips)
        {
            AddressFamily family = ip.Address.AddressFamily;
            IPAddress own = family == AddressFamily.InterNetwork ? Address4(shim.Name) : Address6(shim.Name);
            host.Route.AddRoute(RouteTo(ip.Address, shim) with { Source = own });
            if (families.Add(family))
            {
                attachment.Sandbox.Route.AddRoute(RouteTo(own, container));
            }
        }

        if (families.Contains(AddressFamily.InterNetworkV6) && shim.Kind == "macvlan")
        {
            // IPv6 answers for an address on its own interface alone (ndisc_recv_ns), IPv4 on any.
            foreach (InterfaceAddress address in host.Route.ListAddresses(shim.Peer!.Value))
            {
                if (address.Address.AddressFamily == AddressFamily.InterNetworkV6 && address.Scope == RT_SCOPE.UNIVERSE)
                {
                    EnsureAddress(host.Route, shim, address.Address);
                }
            }
        }
    }

    /// <summary>Takes the host's routes to the container back.</summary>
    public static void Disconnect(Removal removal)
    {
        if (removal.Record?.Device is not string device || removal.Host.Route.FindLink(device) is not Link shim)
        {
            return;
        }

        foreach (IPAddress address in removal.Record.Addresses)
        {
            removal.Steps.Try($"remove the route to {address}", () => removal.Host.Route.TryDeleteRoute(RouteTo(address, shim)));
        }
    }

    private static IpRoute RouteTo(IPAddress address, Link output) => new(address, address.GetAddressBytes().Length * 8)
    {
        Output = output.Index,
        Scope = address.AddressFamily == AddressFamily.InterNetwork ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE,
    };

    private static bool EnsureAddress(RouteConnection route, Link shim, IPAddress address)
    {
        bool v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        if (v6 && Sysctl.Find($"net/ipv6/conf/{shim.Name}/disable_ipv6") is not "0")
        {
            return false;   // a host without IPv6 has nothing to say to the containers' IPv6 addresses
        }

        route.EnsureAddress(shim.Index, new InterfaceAddress(address, v6 ? 128 : 32) { Flags = v6 ? IFA_F.NODAD : 0 });
        return true;
    }

    // Of the link-local range (RFC 3927), without its first and last 256, and of the unique local one (RFC 4193): nobody routes there.
    private static IPAddress Address4(string name)
    {
        byte[] hash = Convert.FromHexString(AttachmentNames.Hash(name));
        return new IPAddress([169, 254, (byte)(1 + (hash[0] % 254)), hash[1]]);
    }

    private static IPAddress Address6(string name)
    {
        byte[] address = new byte[16];
        address[0] = 0xfd;
        Convert.FromHexString(AttachmentNames.Hash(name)).CopyTo(address, 1);
        address[15] = 1;
        return new IPAddress(address);
    }
}
