namespace CniPlugins.Cni;

/// <summary>
/// The list that GC spares. libcni sends it under two keys, since an early text of the specification named the second one; who is
/// in either list is spared. Null, absent and empty all mean that no attachment is valid.
/// </summary>
public static class ValidAttachments
{
    /// <summary>Reads both keys of the network configuration.</summary>
    /// <exception cref="CniException">A wrong type (6), or an entry that names no attachment (7): nothing is freed then.</exception>
    public static IReadOnlyList<(string ContainerId, string IfName)> Read(ConfigObject root)
    {
        List<(string ContainerId, string IfName)> all = [];
        HashSet<(string, string)> seen = [];
        Add(root, "cni.dev/valid-attachments", all, seen);
        Add(root, "cni.dev/attachments", all, seen);
        return all;
    }

    private static void Add(ConfigObject root, string key, List<(string, string)> all, HashSet<(string, string)> seen)
    {
        foreach (ConfigObject entry in root.FindObjects(key) ?? [])
        {
            string containerId = entry.GetString("containerID");
            string ifName = entry.GetString("ifname");
            if (!CniNames.IsContainerId(containerId))
            {
                throw new CniException(CniErrorCode.InvalidConfig, $"{entry.PathOf("containerID")}: a container id is {CniNames.Rule}");
            }

            if (CniNames.FindInterfaceNameFault(ifName) is { } fault)
            {
                throw new CniException(CniErrorCode.InvalidConfig, $"{entry.PathOf("ifname")} is no interface name: {fault}");
            }

            if (seen.Add((containerId, ifName)))
            {
                all.Add((containerId, ifName));
            }
        }
    }
}
