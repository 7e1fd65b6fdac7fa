using System.Text.Json;

namespace CniPlugins.Cni;

/// <summary>A JSON array of a configuration. A null among the items is a wrong type: positions matter, and none may be left out.</summary>
public sealed class ConfigArray
{
    private readonly JsonElement[] _items;

    internal ConfigArray(JsonElement element, string path)
    {
        Path = path;
        _items = new JsonElement[element.GetArrayLength()];
        int i = 0;
        foreach (JsonElement item in element.EnumerateArray())
        {
            _items[i++] = item;
        }
    }

    /// <summary>Where the array stands in its document, such as <c>ipam.ranges[0]</c>.</summary>
    public string Path { get; }

    /// <summary>How many items there are.</summary>
    public int Count => _items.Length;

    /// <summary>The path of an item, for messages.</summary>
    public string PathOf(int index) => $"{Path}[{index}]";

    /// <summary>Whether the item is a string, for lists that take more than one type.</summary>
    public bool IsString(int index) => _items[index].ValueKind == JsonValueKind.String;

    /// <summary>The item, a string.</summary>
    /// <exception cref="CniException">Another type (6).</exception>
    public string GetString(int index) => ConfigValues.String(_items[index], PathOf(index));

    /// <summary>The item, a whole number.</summary>
    /// <exception cref="CniException">Another type or a fraction (6), outside of the bounds (7).</exception>
    public long GetInt64(int index, long min = long.MinValue, long max = long.MaxValue) =>
        ConfigValues.Int64(_items[index], PathOf(index), min, max);

    /// <summary>The item, an object.</summary>
    /// <exception cref="CniException">Another type (6).</exception>
    public ConfigObject GetObject(int index) => ConfigValues.Object(_items[index], PathOf(index));

    /// <summary>The item, an array.</summary>
    /// <exception cref="CniException">Another type (6).</exception>
    public ConfigArray GetArray(int index) => ConfigValues.Array(_items[index], PathOf(index));

    /// <summary>All items, strings.</summary>
    /// <exception cref="CniException">Another type (6).</exception>
    public IReadOnlyList<string> GetStrings()
    {
        string[] all = new string[Count];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = GetString(i);
        }

        return all;
    }

    /// <summary>All items, objects.</summary>
    /// <exception cref="CniException">Another type (6).</exception>
    public IReadOnlyList<ConfigObject> GetObjects()
    {
        ConfigObject[] all = new ConfigObject[Count];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = GetObject(i);
        }

        return all;
    }
}
