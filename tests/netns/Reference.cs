using System.Text.Json.Nodes;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>The reference plugins beside ours, where both must answer the same.</summary>
internal static class Reference
{
    /// <summary>Calls of the reference.</summary>
    internal static CniOptions Options => new() { Binaries = TestHost.ReferenceBinaries };

    /// <summary>Skips the test without the reference.</summary>
    internal static void Require() =>
        Assert.SkipUnless(File.Exists(TestHost.ReferenceBinaries + "/host-local"), "package containernetworking-plugins is not installed");

    /// <summary>
    /// The two results say the same. Debian's build prints an empty <c>dns</c> at 1.0.0 and has another order of keys there; the
    /// newest release prints as we do.
    /// </summary>
    internal static void AssertSame(CniCall theirs, CniCall ours)
    {
        Assert.True(
            JsonNode.DeepEquals(Normalise(theirs), Normalise(ours)), $"reference:\n{theirs.Tool.Output}\nours:\n{ours.Tool.Output}");
    }

    private static JsonObject Normalise(CniCall call)
    {
        JsonObject result = Json.Object(call.RequireSuccess().Tool.Output);
        if (result["dns"] is JsonObject { Count: 0 })
        {
            result.Remove("dns");
        }

        return result;
    }
}
