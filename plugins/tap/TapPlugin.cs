using System.Text;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Plugins.Tap;

/// <summary>The CNI type <c>tap</c>: an interface whose other end is a program, such as a virtual machine's monitor.</summary>
public sealed class TapPlugin : AttachmentPlugin<TapConfig>
{
    private const string Kind = "tun";   // what the kernel calls them both

    /// <summary>Talks to the kernel by these sockets.</summary>
    public TapPlugin(INetlinkSockets sockets)
        : base(sockets)
    {
    }

    /// <inheritdoc/>
    public override string Type => "tap";

    /// <inheritdoc/>
    protected override TapConfig Read(CniRequest request, Host host) => TapConfig.Read(request);

    /// <summary>Lease → device → its settings → addresses and routes → result.</summary>
    protected override AddResult Attach(TapConfig config, Attachment attachment)
    {
        Sandbox sandbox = attachment.Sandbox;
        AddResult lease = attachment.TakeLease();
        Link? bridge = config.Bridge is string name
            ? sandbox.Route.FindLink(name) ?? throw new CniException(CniErrorCode.InvalidConfig, $"bridge {name} is not there in the container: create it, or leave the key out")
            : null;
        attachment.Update(attachment.Record with { LinkKind = Kind });
        Link link = Create(config, attachment);
        if (config.Mtu is int mtu)
        {
            sandbox.Route.SetMtu(link.Index, mtu);
        }

        if (config.Mac is MacAddress mac)
        {
            sandbox.Route.SetMac(link.Index, mac);
        }

        if (bridge is not null)
        {
            sandbox.Route.SetMaster(link.Index, bridge.Index);
        }

        return SubInterface.Configure(attachment, sandbox.Route.GetLink(link.Index), lease, DuplicateDetection.None);
    }

    /// <inheritdoc/>
    protected override void CheckAttached(TapConfig config, Inspection inspection)
    {
        Link link = SubInterface.Check(inspection, Kind, master: null);
        if (config.Mtu is int mtu && link.Mtu != mtu)
        {
            throw PrevResultCheck.Differs($"{link.Name} in the container has MTU {link.Mtu}, not {mtu}");
        }

        if (config.Bridge is string bridge && inspection.Sandbox.Route.FindLink(bridge)?.Index != link.Master)
        {
            throw PrevResultCheck.Differs($"{link.Name} in the container is no port of {bridge} any more");
        }
    }

    /// <inheritdoc/>
    protected override void TryKernel(INetlinkSockets sockets) => TapDevice.Create("tap", multiQueue: false, vnetHeader: true, owner: null, group: null);

    private static Link Create(TapConfig config, Attachment attachment)
    {
        Sandbox sandbox = attachment.Sandbox;
        try
        {
            sandbox.Namespace.Run(() => Labelled(config.SelinuxContext, () =>
                TapDevice.Create(attachment.Id.IfName, config.MultiQueue, vnetHeader: true, config.Owner, config.Group)));
        }
        catch (LinuxException e) when (e.Errno == Errno.EBUSY)
        {
            throw new CniException(
                CniErrorCode.InvalidEnvironment, $"CNI_IFNAME \"{attachment.Id.IfName}\" exists already in the container's namespace: run DEL for it first, or choose another name", e.Message, e);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENODEV)
        {
            throw new CniException(CniErrorCode.KernelLacksFeature, "this kernel has no tap interfaces: load the module tun, or use another kernel", e.Message, e);
        }

        return sandbox.Route.GetLink(attachment.Id.IfName);
    }

    /// <summary>
    /// A tun device has the label of the thread that makes it (selinux_tun_dev_create, security/selinux/hooks.c), and so does without a program that is
    /// executed under another label. The thread is the sandbox's own, and ends.
    /// </summary>
    private static void Labelled(string? context, Action create)
    {
        const string Current = "/proc/thread-self/attr/current";
        if (context is null)
        {
            create();
            return;
        }

        try
        {
            byte[] own = File.ReadAllBytes(Current);
            File.WriteAllBytes(Current, Encoding.UTF8.GetBytes(context));
            try
            {
                create();
            }
            finally
            {
                File.WriteAllBytes(Current, own);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && e is not LinuxException)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"selinuxContext \"{context}\" cannot be used: SELinux is off, does not know it, or does not allow the change", e.Message, e);
        }
    }
}
