using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>A running attachment, as far as its ports are concerned: the record that answers for them, and the way to the container.</summary>
internal sealed class LiveAttachment : IDisposable
{
    private readonly Sandbox _sandbox;

    private LiveAttachment(AttachmentRecord record, Sandbox sandbox, Link device, HostWay? way, IReadOnlyList<ResultIp> ips)
    {
        (Record, _sandbox, Device, Way, Ips) = (record, sandbox, device, way, ips);
    }

    /// <summary>portmap's, where that has published before, else the driver's.</summary>
    public AttachmentRecord Record { get; }

    /// <summary>The host's interface towards the container.</summary>
    public Link Device { get; }

    /// <summary>The pair, if it is one.</summary>
    public HostWay? Way { get; }

    /// <summary>The addresses that ADD gave the container, and that it still has.</summary>
    public IReadOnlyList<ResultIp> Ips { get; }

    /// <summary>Whether the container's packets come by a pair; else from beside the host, and it has a way past it.</summary>
    public bool IsVeth => Way is not null;

    /// <summary>Whether the device leads to other containers as well.</summary>
    public bool IsShared => Way is null || Way.Bridge is not null;

    /// <summary>What the elements of the attachment say.</summary>
    public string Comment => AttachmentNames.Full(Record.Attachment);

    /// <summary>Finds it, and refuses what is not there, or has nothing that a port could lead to.</summary>
    /// <exception cref="CniException">There is no such attachment any more (3), or it has no way from the host (7).</exception>
    public static LiveAttachment Open(Host host, INetlinkSockets sockets, AttachmentId id)
    {
        AttachmentRecord? driver = host.Records.Find(id, null);
        AttachmentRecord record = IsAlive(host.Records.Find(id, "portmap")) ?? IsAlive(driver) ?? throw new CniException(
            CniErrorCode.UnknownContainer, $"there is no attachment {AttachmentNames.Full(id)}: its ADD must have succeeded since the last boot");
        Sandbox sandbox = OpenSandbox(sockets, record);
        try
        {
            HashSet<IPAddress> given = [.. driver?.Addresses ?? [], .. record.Ports.Select(static port => port.ContainerAddress)];
            List<ResultIp> ips = [];
            if (sandbox.Route.FindLink(id.IfName) is Link container)
            {
                ips.AddRange(sandbox.Route.ListAddresses(container.Index)
                    .Where(address => given.Contains(address.Address))
                    .Select(static address => new ResultIp(address.Address, address.PrefixLength)));
            }

            HostWay? way = HostWay.Find(host, sandbox, id.IfName, ips);
            if (ips.Count == 0 || record.Device is null || host.Route.FindLink(record.Device) is not Link device
                || !IsTowardsContainers(device, way, id))
            {
                throw new CniException(
                    CniErrorCode.InvalidConfig, $"ports of {AttachmentNames.Full(id)} cannot be published: this host has no way of its own to an address of it");
            }

            return new LiveAttachment(record, sandbox, device, way, ips);
        }
        catch
        {
            sandbox.Dispose();
            throw;
        }
    }

    /// <summary>What lets a port be reached from its own network; the plugins that make the attachment note the same where it publishes from the start.</summary>
    public IEnumerable<RuleElement> Networks()
    {
        string[] devices = Way?.Bridge is Link bridge && bridge.Name != Device.Name ? [Device.Name, bridge.Name] : [Device.Name];
        foreach (ResultIp ip in Ips)
        {
            foreach (string device in devices)
            {
                yield return AttachmentPolicy.Network(IsShared ? ip : Alone(ip), device, IsShared ? null : Comment);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _sandbox.Dispose();

    private static AttachmentRecord? IsAlive(AttachmentRecord? record) =>
        record is { IsComplete: true } && record.BootId == BootId.Current ? record : null;

    private static Sandbox OpenSandbox(INetlinkSockets sockets, AttachmentRecord record)
    {
        NetworkNamespace? found = record.NamespacePath is string path ? NetworkNamespace.Find(path) : null;
        if (found is null || found.IsCurrent || found.Identity != record.Namespace)
        {
            found?.Dispose();
            throw new CniException(
                CniErrorCode.UnknownContainer, $"the container of {AttachmentNames.Full(record.Attachment)} has no namespace of its own any more: run DEL for it");
        }

        return Sandbox.Open(sockets, found);
    }

    /// <summary>A record is not trusted to name a link: the pair's way is looked up, and the other one's name follows from the network.</summary>
    private static bool IsTowardsContainers(Link device, HostWay? way, AttachmentId id) =>
        way is not null ? way.Device.Index == device.Index : device.Name == AttachmentNames.Shim(id.Network) && BridgeState.IsOurs(device);

    private static ResultIp Alone(ResultIp ip) => ip with { PrefixLength = ip.Address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128 };
}
