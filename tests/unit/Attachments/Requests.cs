using System.Text;
using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Attachments;

/// <summary>Makes the request that a plugin would be given.</summary>
internal static class Requests
{
    internal static CniRequest Of(CniVerb verb, string configuration, string arguments = "", string path = "/nowhere", Stream? error = null)
    {
        Dictionary<string, string> variables = new()
        {
            ["CNI_COMMAND"] = verb.Word(),
            ["CNI_CONTAINERID"] = "c1",
            ["CNI_IFNAME"] = "eth0",
            ["CNI_NETNS"] = "/nowhere/ns",
            ["CNI_PATH"] = path,
            ["CNI_ARGS"] = arguments,
            ["PATH"] = "/usr/bin:/bin",
        };
        NetworkConfig config = NetworkConfig.Parse(Encoding.UTF8.GetBytes(configuration));
        return new CniRequest(
            verb, new AttachmentId(config.Name, "c1", "eth0"), config, new CniEnvironment(variables, Stream.Null, Stream.Null, error ?? Stream.Null));
    }
}
