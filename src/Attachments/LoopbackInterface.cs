using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Attachments;

/// <summary>The interface <c>lo</c> of a sandbox, which the kernel makes with the namespace and leaves down.</summary>
public static class LoopbackInterface
{
    /// <summary>Its name.</summary>
    public const string Name = "lo";

    private const string Mac = "00:00:00:00:00:00";

    /// <summary>
    /// Brings it up, at which the kernel gives it 127.0.0.1/8, and ::1/128 where IPv6 is on, and describes it: the first address of
    /// each family.
    /// </summary>
    /// <param name="sandbox">The container's namespace.</param>
    /// <exception cref="CniException">It has an address that is not a loopback address (8).</exception>
    public static AddResult Ensure(Sandbox sandbox)
    {
        Link lo = sandbox.Route.GetLink(InterfaceIndex.Loopback);
        if (!lo.IsUp)
        {
            sandbox.Route.SetUp(lo.Index);
        }

        ResultIp? first4 = null, first6 = null;
        foreach (InterfaceAddress address in sandbox.Route.ListAddresses(lo.Index))
        {
            if (!IPAddress.IsLoopback(address.Address))
            {
                throw new CniException(
                    CniErrorCode.InvalidNetns,
                    $"{Name} in {sandbox.Namespace.Path} has the address {address}, which is no loopback address: remove it, "
                    + "or give the container a namespace of its own");
            }

            ResultIp ip = new(address.Address, address.PrefixLength, Interface: 0);
            if (address.Address.AddressFamily == AddressFamily.InterNetwork)
            {
                first4 ??= ip;
            }
            else
            {
                first6 ??= ip;
            }
        }

        return new AddResult
        {
            Interfaces = [new ResultInterface(lo.Name, Mac, Sandbox: sandbox.Namespace.Path)],
            Ips = (first4, first6) switch
            {
                (not null, not null) => [first4, first6],
                (not null, null) => [first4],
                (null, not null) => [first6],
                _ => [],
            },
        };
    }

    /// <summary>CHECK: it is up.</summary>
    /// <exception cref="CniException">It is not (100).</exception>
    public static void RequireUp(Sandbox sandbox)
    {
        if (!sandbox.Route.GetLink(InterfaceIndex.Loopback).IsUp)
        {
            throw new CniException(
                CniErrorCode.NotAsAdded,
                $"{Name} in {sandbox.Namespace.Path} is down: bring it up (ip link set lo up), or add (ADD) the container again");
        }
    }
}
