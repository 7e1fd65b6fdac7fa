using CniPlugins.Linux;

namespace CniPlugins.Attachments;

/// <summary>An interface that we made for the host, with containers behind it.</summary>
public static class HostInterface
{
    /// <summary>
    /// A router advertisement from a container must not change the host's routes; and nobody else has the link-local address that follows from an
    /// address of ours, so it need not be tried for a second in which the host asks for nobody's link-layer address. No such parameters: no IPv6.
    /// </summary>
    public static void Harden(string device)
    {
        foreach (string parameter in (ReadOnlySpan<string>)["accept_ra", "accept_dad"])
        {
            string name = $"net/ipv6/conf/{device}/{parameter}";
            if (Sysctl.Find(name) is not null and not "0")
            {
                Sysctl.Set(name, "0");
            }
        }
    }
}
