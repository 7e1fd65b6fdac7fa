using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;

namespace CniPlugins.Plugins.HostDevice;

/// <summary>Which interface of the host a container is to have. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record HostDeviceConfig
{
    private static readonly string[] s_userSpaceDrivers = ["vfio-pci", "uio_pci_generic", "igb_uio"];

    /// <summary>By name; the first of these that is set counts.</summary>
    public string? Device { get; init; }

    /// <summary>By link-layer address.</summary>
    public MacAddress? HardwareAddress { get; init; }

    /// <summary>By its directory below /sys/devices.</summary>
    public string? KernelPath { get; init; }

    /// <summary>By the address of its PCI device, or the name of its auxiliary one.</summary>
    public string? BusId { get; init; }

    /// <summary>Whether a driver in user space has the device: there is no interface then.</summary>
    public bool IsInUserSpace { get; init; }

    /// <summary>Which addresses are tried before they are used.</summary>
    public DuplicateDetection Detection { get; init; }

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="CniException">A key is wrong, or none names a device (6, 7).</exception>
    public static HostDeviceConfig Read(CniRequest request)
    {
        ConfigObject root = request.Config.Root;
        string? busId = request.Config.RuntimeConfig?.FindString("deviceID") is { Length: > 0 } given ? given : root.FindString("pciBusID");
        HostDeviceConfig config = new()
        {
            Device = NullIfEmpty(root.FindString("device")),
            HardwareAddress = ReadMac(root),
            KernelPath = NullIfEmpty(root.FindString("kernelpath")),
            BusId = NullIfEmpty(busId),
            Detection = DuplicateDetectionText.Read(root, DuplicateDetection.Ipv6),
        };
        config.RequireSense();
        return config with { IsInUserSpace = config.BusId is not null && Array.Exists(s_userSpaceDrivers, driver => driver == SysDevice.FindPciDriver(config.BusId)) };
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static MacAddress? ReadMac(ConfigObject root) => NullIfEmpty(root.FindString("hwaddr")) is not string text
        ? null
        : MacAddress.TryParse(text, out MacAddress mac) ? mac : throw Invalid($"hwaddr \"{text}\" is no link-layer address: give six octets such as 02:42:0a:00:00:05");

    private void RequireSense()
    {
        if (Device is null && HardwareAddress is null && KernelPath is null && BusId is null)
        {
            throw Invalid("no device is named: set \"device\", \"hwaddr\", \"kernelpath\" or \"pciBusID\"");
        }

        if (Device is not null && CniNames.FindInterfaceNameFault(Device) is string fault)
        {
            throw Invalid($"device \"{Device}\" is no name for an interface: {fault}");
        }

        if (KernelPath is not null && (!KernelPath.StartsWith("/sys/devices/", StringComparison.Ordinal) || KernelPath.Split('/').Contains("..")))
        {
            throw Invalid($"kernelpath \"{KernelPath}\" is no device: give its directory below /sys/devices/");
        }

        if (BusId is not null && (BusId.Contains('/', StringComparison.Ordinal) || BusId is "." or ".."))
        {
            throw Invalid($"\"{BusId}\" is no device on a bus: give a PCI address such as 0000:01:00.0, or the name of an auxiliary device");
        }
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
