using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Plugins.HostDevice;

/// <summary>The CNI type <c>host-device</c>: an interface of the host is the container's for as long as it lives.</summary>
public sealed class HostDevicePlugin : AttachmentPlugin<HostDeviceConfig>
{
    // In the record.
    private const string OldName = "name";
    private const string Kind = "kind";

    /// <summary>Talks to the kernel by these sockets.</summary>
    public HostDevicePlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "host-device";

    /// <inheritdoc/>
    protected override HostDeviceConfig Read(CniRequest request, Host host) => HostDeviceConfig.Read(request);

    /// <summary>Which one → lease → into the container under its new name → addresses and routes → result.</summary>
    protected override AddResult Attach(HostDeviceConfig config, Attachment attachment)
    {
        if (config.IsInUserSpace)
        {
            AddResult unused = attachment.TakeLease();
            return unused with { Interfaces = [new ResultInterface(attachment.Id.IfName, Sandbox: attachment.Request.NetnsPath, PciId: config.BusId)] };
        }

        Host host = attachment.Host;
        Link device = FindDevice(config, host) ?? throw new CniException(
            CniErrorCode.InvalidConfig, $"this host has no interface {Describe(config)}: is it in another container already?");
        AddResult lease = attachment.TakeLease();
        attachment.Update(attachment.Record with { Saved = new Dictionary<string, string> { [OldName] = device.Name, [Kind] = device.Kind ?? string.Empty } });

        // The reference keeps the old name there as well: either finds its way back from the other's ADD.
        host.Route.SetAlias(device.Index, device.Name);
        try
        {
            host.Route.SetNamespace(device.Index, attachment.Sandbox.Namespace, attachment.Id.IfName);
        }
        catch (NetlinkException e) when (e.Errno is Errno.EINVAL)
        {
            host.Route.SetAlias(device.Index, string.Empty);
            throw new CniException(CniErrorCode.InvalidConfig, $"{device.Name} cannot be given to a container: the kernel binds it to its namespace", e.Message, e);
        }

        AddResult result = SubInterface.Configure(attachment, attachment.Sandbox.Route.GetLink(attachment.Id.IfName), lease, config.Detection);
        return config.BusId is null ? result : result with { Interfaces = [result.Interfaces[0] with { PciId = config.BusId }] };
    }

    /// <inheritdoc/>
    protected override void CheckAttached(HostDeviceConfig config, Inspection inspection)
    {
        if (!config.IsInUserSpace)
        {
            SubInterface.Check(inspection, kind: null, master: null);
        }
    }

    /// <summary>The device goes back under the name it came from; what is not borrowed is never touched.</summary>
    protected override void Remove(Removal removal) => removal.Steps.Try("give the device back", () => GiveBack(removal));

    private static void GiveBack(Removal removal)
    {
        RouteConnection host = removal.Host.Route;
        string? name = removal.Record?.Saved.GetValueOrDefault(OldName);
        if (FindBorrowed(removal, name) is Link device && (name ?? NameByReference(removal, device)) is string oldName)
        {
            if (host.FindLink(oldName) is not null)
            {
                throw new CniException(CniErrorCode.TryAgainLater, $"the host has another interface {oldName} by now: rename or remove that one");
            }

            using NetworkNamespace own = NetworkNamespace.OpenCurrent();
            removal.Sandbox!.Route.SetNamespace(device.Index, own, oldName);
            host.SetAlias(host.GetLink(oldName).Index, string.Empty);
            return;
        }

        if (name is null)
        {
            return;   // nothing was borrowed, or the reference's plugin did and has given it back
        }

        // The namespace is gone: the kernel has put a physical device back into its first one, under the container's name for it (default_device_exit_net,
        // net/core/dev.c); and an ADD that died in between has not moved it at all.
        foreach (Link link in host.ListLinks().Where(link => link.Alias == name))
        {
            if (link.Name != name && host.FindLink(name) is null)
            {
                host.SetDown(link.Index);
                host.SetName(link.Index, name);
            }

            host.SetAlias(link.Index, string.Empty);
        }
    }

    /// <summary>
    /// Without a record the reference plugin gave it, and keeps its name in the alias. The container can write there too: where the configuration names the
    /// device, it must be that one.
    /// </summary>
    private static string? NameByReference(Removal removal, Link device)
    {
        string? configured = removal.Config.Root.FindString("device");
        return device.Alias is { Length: > 0 } alias && CniNames.FindInterfaceNameFault(alias) is null
            && (string.IsNullOrEmpty(configured) || configured == alias)
            ? alias
            : null;
    }

    /// <summary>
    /// The container may have renamed it, given it another alias, and made something else under its name: what has the alias is it, or what has the name and is of
    /// its kind.
    /// </summary>
    private static Link? FindBorrowed(Removal removal, string? name)
    {
        if (removal.Sandbox is not Sandbox sandbox)
        {
            return null;
        }

        Link? named = sandbox.Route.FindLink(removal.Id.IfName);
        if (name is null || named?.Alias == name)
        {
            return named;
        }

        return sandbox.Route.ListLinks().FirstOrDefault(link => link.Alias == name)
            ?? ((named?.Kind ?? string.Empty) == removal.Record!.Saved.GetValueOrDefault(Kind) ? named : null);
    }

    private static Link? FindDevice(HostDeviceConfig config, Host host)
    {
        if (config.Device is string device)
        {
            return host.Route.FindLink(device);
        }

        if (config.HardwareAddress is MacAddress mac)
        {
            return host.Route.ListLinks().FirstOrDefault(link => link.Mac == mac && (link.Flags & IFF.LOOPBACK) == 0);
        }

        string? name = config.KernelPath is string path ? SysDevice.FindInterfaceAt(path) : SysDevice.FindInterface(config.BusId!);
        return name is null ? null : host.Route.FindLink(name);
    }

    private static string Describe(HostDeviceConfig config) =>
        config.Device ?? config.HardwareAddress?.ToString() ?? config.KernelPath ?? $"of the device {config.BusId}";
}
