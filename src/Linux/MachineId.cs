using System.Text;

namespace CniPlugins.Linux;

/// <summary>The identity of this installation, machine-id(5).</summary>
public static class MachineId
{
    /// <summary>The text of /etc/machine-id, 32 hexadecimal digits; null when there is none.</summary>
    public static string? Find()
    {
        try
        {
            byte[]? text = StateFiles.FindContent("/etc/machine-id", 4096);
            return text is null ? null : Encoding.ASCII.GetString(text).Trim();
        }
        catch (LinuxException)
        {
            // Small systems have none; a host without a name is a case that callers handle.
            return null;
        }
    }
}
