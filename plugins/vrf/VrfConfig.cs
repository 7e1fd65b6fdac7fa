using CniPlugins.Cni;

namespace CniPlugins.Plugins.Vrf;

/// <summary>Which VRF the interface joins. An object of this type is valid. README.md has the table of keys.</summary>
/// <param name="Name">Its name in the container.</param>
/// <param name="Table">Its routing table; null: that of the VRF that is there, or the lowest that no VRF has.</param>
public sealed record VrfConfig(string Name, uint? Table)
{
    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7).</exception>
    public static VrfConfig Read(ConfigObject root)
    {
        string name = root.GetString("vrfname");
        return CniNames.FindInterfaceNameFault(name) is string fault
            ? throw new CniException(CniErrorCode.InvalidConfig, $"vrfname \"{name}\" is no name for an interface: {fault}")
            : new VrfConfig(name, root.FindInt64("table", 0, uint.MaxValue) is long table and > 0 ? (uint)table : null);
    }
}
