using System.Text.Json.Nodes;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>A network configuration list, taken apart as libcni does it.</summary>
internal static class CniList
{
    /// <summary>The plugins' types and configurations, each with the list's name and version and the capabilities that it declares.</summary>
    internal static IReadOnlyList<(string Type, string Configuration)> Plugins(string list, string? runtimeConfig)
    {
        JsonObject root = Json.Object(list);
        JsonObject? arguments = runtimeConfig is null ? null : Json.Object(runtimeConfig);
        List<(string, string)> plugins = [];
        foreach (JsonNode? item in root["plugins"]?.AsArray() ?? [])
        {
            JsonObject plugin = item!.DeepClone().AsObject();
            plugin["name"] = root["name"]?.DeepClone();
            plugin["cniVersion"] = root["cniVersion"]?.DeepClone();
            JsonObject capabilities = plugin["capabilities"]?.AsObject() ?? [];
            JsonObject granted = [];
            foreach ((string name, JsonNode? value) in arguments ?? [])
            {
                if (capabilities[name]?.GetValue<bool>() == true)
                {
                    granted[name] = value?.DeepClone();
                }
            }

            if (granted.Count > 0)
            {
                plugin["runtimeConfig"] = granted;
            }

            plugins.Add((plugin["type"]!.GetValue<string>(), plugin.ToJsonString()));
        }

        return plugins;
    }
}
