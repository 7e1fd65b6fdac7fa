namespace CniPlugins.Plugins.HostDevice;

/// <summary>What /sys says of devices and the interfaces they carry.</summary>
internal static class SysDevice
{
    private const string Pci = "/sys/bus/pci/devices";
    private const string Auxiliary = "/sys/bus/auxiliary/devices";

    /// <summary>The driver of a PCI device; null when there is no such device, or none has it.</summary>
    public static string? FindPciDriver(string busId)
    {
        FileInfo driver = new($"{Pci}/{busId}/driver");
        return driver.LinkTarget is string target ? Path.GetFileName(target) : null;
    }

    /// <summary>The interface of a PCI device, of a virtio device on it, or of an auxiliary device; null when there is none.</summary>
    public static string? FindInterface(string busId)
    {
        string device = $"{Pci}/{busId}";
        return First($"{device}/net")
            ?? Names(device).Where(static name => name.StartsWith("virtio", StringComparison.Ordinal)).Select(name => First($"{device}/{name}/net")).FirstOrDefault(static name => name is not null)
            ?? First($"{Auxiliary}/{busId}/net");
    }

    /// <summary>The interface of the device in a directory below /sys/devices; null when there is none.</summary>
    public static string? FindInterfaceAt(string kernelPath) => First($"{kernelPath}/net");

    private static string? First(string directory) => Names(directory).Order(StringComparer.Ordinal).FirstOrDefault();

    private static IEnumerable<string> Names(string directory) =>
        Directory.Exists(directory) ? Directory.EnumerateFileSystemEntries(directory).Select(static path => Path.GetFileName(path)) : [];
}
