using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Plugins.None;

/// <summary>
/// No network: a container with <c>lo</c> alone, and a CHECK that says so when anything else turns up. CNI_IFNAME is ignored.
/// </summary>
public sealed class NonePlugin : Plugin
{
    private readonly INetlinkSockets _sockets;

    /// <summary>Takes the way to the kernel.</summary>
    public NonePlugin(INetlinkSockets sockets) => _sockets = sockets;

    /// <inheritdoc/>
    public override string Type => "none";

    /// <summary>What is asked is what there is in the namespace: no earlier result is needed for that.</summary>
    public override bool CheckNeedsPrevResult => false;

    /// <summary>ADD: lo up. Refused where CHECK would fail at once, since a container with another interface has a network.</summary>
    public override AddResult Add(CniRequest request)
    {
        using Sandbox sandbox = Sandbox.Open(_sockets, request);
        RequireNothingElse(sandbox, CniErrorCode.InvalidNetns);
        return LoopbackInterface.Ensure(sandbox);
    }

    /// <summary>
    /// DEL: nothing. Whoever shares the namespace may be using lo, and the namespace takes it along when it goes; to set it down would
    /// undo nothing that costs anything.
    /// </summary>
    public override void Delete(CniRequest request)
    {
    }

    /// <summary>CHECK: lo is up, and nothing else is there.</summary>
    public override void Check(CniRequest request)
    {
        using Sandbox sandbox = Sandbox.Open(_sockets, request);
        RequireNothingElse(sandbox, CniErrorCode.NotAsAdded);
        LoopbackInterface.RequireUp(sandbox);
    }

    private static void RequireNothingElse(Sandbox sandbox, CniErrorCode code)
    {
        List<string> others = [];
        foreach (Link link in sandbox.Route.ListLinks())
        {
            if (link.Index != InterfaceIndex.Loopback && !IsFallbackTunnel(link))
            {
                others.Add(link.Name);
            }
        }

        if (others.Count > 0)
        {
            throw new CniException(
                code,
                $"the network namespace {sandbox.Namespace.Path} has {string.Join(", ", others)} beside lo: a container of a "
                + "\"none\" network has no other interface; remove it, or take the network that made it instead of this one");
        }
    }

    // The kernel itself puts these into every new namespace when their module is loaded (net.core.fb_tunnels_only_for_init_net = 0,
    // net/ipv4/ip_tunnel.c). Down, they lead nowhere.
    private static bool IsFallbackTunnel(Link link) => !link.IsUp && link.Name is (
        "tunl0" or "gre0" or "gretap0" or "erspan0" or "ip_vti0" or "sit0" or "ip6tnl0" or "ip6gre0" or "ip6_vti0");
}
