using System.Text.Json;

namespace CniPlugins.Cni;

/// <summary>
/// A JSON object as Go's encoding/json fills a struct from it, which every CNI configuration is written for: keys in any case,
/// the last of several wins, null is absence, unknown keys are ignored, types are strict ("1500" is not a number).
/// </summary>
public sealed class ConfigObject
{
    private readonly JsonElement _element;
    private (string Key, JsonElement Value)[]? _members;

    internal ConfigObject(JsonElement element, string path)
    {
        _element = element;
        Path = path;
    }

    /// <summary>Where the object stands in its document, such as <c>ipam.ranges[0][0]</c>; empty for the root.</summary>
    public string Path { get; }

    /// <summary>The object's own text.</summary>
    public string RawText => _element.GetRawText();

    /// <summary>The keys as written, in order, those with a null value too.</summary>
    public IEnumerable<string> Keys
    {
        get
        {
            foreach ((string key, _) in Members)
            {
                yield return key;
            }
        }
    }

    /// <summary>Whether the key is there with anything but null.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>Whether the key holds an array, for the keys that take one value or several.</summary>
    public bool IsArray(string key) => Find(key)?.ValueKind == JsonValueKind.Array;

    /// <summary>The path of a key of this object, for messages.</summary>
    public string PathOf(string key) => Path.Length == 0 ? key : $"{Path}.{key}";

    /// <summary>A string; null when absent.</summary>
    /// <exception cref="CniException">Another type (6).</exception>
    public string? FindString(string key) => Find(key) is { } value ? ConfigValues.String(value, PathOf(key)) : null;

    /// <summary>A string that must be there and not empty.</summary>
    /// <exception cref="CniException">Another type (6), absent or empty (7).</exception>
    public string GetString(string key) => FindString(key) is { Length: > 0 } text
        ? text
        : throw new CniException(CniErrorCode.InvalidConfig, $"{PathOf(key)} is missing: set it to a string");

    /// <summary>A boolean; null when absent. The strings "true" and "false" are none.</summary>
    /// <exception cref="CniException">Another type (6).</exception>
    public bool? FindBool(string key) => Find(key) is not { } value ? null : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw ConfigErrors.Type(PathOf(key), "true or false", value),
    };

    /// <summary>A whole number; null when absent.</summary>
    /// <exception cref="CniException">Another type or a fraction (6), outside of the bounds (7).</exception>
    public int? FindInt32(string key, int min = int.MinValue, int max = int.MaxValue) =>
        Find(key) is { } value ? (int)ConfigValues.Int64(value, PathOf(key), min, max) : null;

    /// <summary>A whole number; null when absent.</summary>
    /// <exception cref="CniException">Another type or a fraction (6), outside of the bounds (7).</exception>
    public long? FindInt64(string key, long min = long.MinValue, long max = long.MaxValue) =>
        Find(key) is { } value ? ConfigValues.Int64(value, PathOf(key), min, max) : null;

    /// <summary>An object; null when absent.</summary>
    /// <exception cref="CniException">Another type (6).</exception>
    public ConfigObject? FindObject(string key) => Find(key) is { } value ? ConfigValues.Object(value, PathOf(key)) : null;

    /// <summary>An array; null when absent.</summary>
    /// <exception cref="CniException">Another type (6).</exception>
    public ConfigArray? FindArray(string key) => Find(key) is { } value ? ConfigValues.Array(value, PathOf(key)) : null;

    /// <summary>An array of objects; null when absent.</summary>
    /// <exception cref="CniException">Another type, of the array or of an item (6).</exception>
    public IReadOnlyList<ConfigObject>? FindObjects(string key) => FindArray(key)?.GetObjects();

    /// <summary>An array of strings; null when absent.</summary>
    /// <exception cref="CniException">Another type, of the array or of an item (6).</exception>
    public IReadOnlyList<string>? FindStrings(string key) => FindArray(key)?.GetStrings();

    private (string Key, JsonElement Value)[] Members => _members ??= ListMembers();

    // A null leaves what an earlier spelling of the key said, as Go leaves a scalar that it already filled.
    private JsonElement? Find(string key)
    {
        (string Key, JsonElement Value)[] members = Members;
        for (int i = members.Length - 1; i >= 0; i--)
        {
            if (members[i].Value.ValueKind != JsonValueKind.Null && members[i].Key.Equals(key, StringComparison.OrdinalIgnoreCase))
            {
                return members[i].Value;
            }
        }

        return null;
    }

    private (string Key, JsonElement Value)[] ListMembers()
    {
        List<(string, JsonElement)> members = [];
        foreach (JsonProperty property in _element.EnumerateObject())
        {
            members.Add((property.Name, property.Value));
        }

        return [.. members];
    }
}
