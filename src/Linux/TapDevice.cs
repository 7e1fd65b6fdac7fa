using System.Text;
using CniPlugins.Linux.Uapi;
using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>Ethernet devices whose other end is a program, such as a virtual machine. Kernel: drivers/net/tun.c.</summary>
public static class TapDevice
{
    private const string Device = "/dev/net/tun";

    /// <summary>
    /// Makes a tap device that lasts until it is deleted, in the calling thread's namespace. <c>ip tuntap add NAME mode tap [multi_queue]
    /// [vnet_hdr] [user UID] [group GID]</c>. The device gets its link-layer address from the kernel.
    /// </summary>
    /// <param name="name">Its name, 1 to 15 bytes.</param>
    /// <param name="multiQueue">Whether several programs' queues may attach.</param>
    /// <param name="vnetHeader">Whether <c>struct virtio_net_hdr</c> stands before each frame.</param>
    /// <param name="owner">The user who may attach to it without privileges; null: nobody.</param>
    /// <param name="group">The group that may; null: none.</param>
    /// <exception cref="LinuxException">EBUSY: the name is taken; ENOENT or ENODEV: the kernel has no tun devices.</exception>
    public static unsafe void Create(string name, bool multiQueue, bool vnetHeader, uint? owner, uint? group)
    {
        using SafeFileDescriptor device = SafeFileDescriptor.Open(Device, O_RDWR);
        IfReq request = default;
        Span<byte> bytes = new(request.Name, 15);
        if (!Encoding.UTF8.TryGetBytes(name, bytes, out _))
        {
            throw new LinuxException("TUNSETIFF", name, Errno.EINVAL);
        }

        request.Flags = (ushort)(IFF.TAP | IFF.NO_PI | IFF.TUN_EXCL
            | (multiQueue ? IFF.MULTI_QUEUE : 0) | (vnetHeader ? IFF.VNET_HDR : 0));
        Control(device, TUNSET.IFF, (nint)(&request), name);

        // It goes with the descriptor until TUNSETPERSIST, so nothing is left when one of these is refused.
        if (owner is uint user)
        {
            Control(device, TUNSET.OWNER, (nint)user, name);
        }

        if (group is uint members)
        {
            Control(device, TUNSET.GROUP, (nint)members, name);
        }

        Control(device, TUNSET.PERSIST, 1, name);
    }

    private static void Control(SafeFileDescriptor device, TUNSET request, nint argument, string name)
    {
        if (Libc.ioctl(device.Value, (ulong)request, argument) != 0)
        {
            throw new LinuxException($"TUNSET{request}", name, LinuxException.Last);
        }
    }
}
