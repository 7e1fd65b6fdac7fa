using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The command cni-reconcile of the executables under test.</summary>
internal static class Reconcile
{
    internal static ToolResult Run(TestHost host, params string[] arguments) => host.Netns.TryExec(
        Path.Combine(host.Binaries, "../bin/cni-reconcile"),
        arguments,
        "",
        new Dictionary<string, string> { ["CNI_PLUGINS_CONFIG"] = host.ConfigurationFile });
}
