using System.Text.Json;
using System.Text.Json.Nodes;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>Small things that reading a tool's or a plugin's JSON needs.</summary>
public static class Json
{
    /// <summary>Parses a text; one that is no JSON is an exception that shows it.</summary>
    public static JsonElement Parse(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new InvalidOperationException($"not JSON ({e.Message}):\n{text}");
        }
    }

    /// <summary>The object of a text, to be changed.</summary>
    public static JsonObject Object(string text) =>
        JsonNode.Parse(text) as JsonObject ?? throw new InvalidOperationException($"not a JSON object:\n{text}");

    /// <summary>The member of that name, or null.</summary>
    public static JsonElement? Find(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) ? value : null;

    /// <summary>The text of the member of that name, or null.</summary>
    public static string? Text(this JsonElement element, string name) => element.Find(name)?.ToString();
}
