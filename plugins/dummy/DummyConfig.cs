using CniPlugins.Attachments;
using CniPlugins.Cni;

namespace CniPlugins.Plugins.Dummy;

/// <summary>A dummy network's configuration: addresses, and nothing else.</summary>
public sealed record DummyConfig
{
    /// <summary>Checks that there is address management.</summary>
    /// <exception cref="CniException">There is none (7).</exception>
    public static DummyConfig Read(CniRequest request)
    {
        InterfaceKeys.RequireIpam(request);
        return new DummyConfig();
    }
}
