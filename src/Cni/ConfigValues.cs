using System.Text.Json;

namespace CniPlugins.Cni;

/// <summary>The strict conversions from JSON, shared by object and array.</summary>
internal static class ConfigValues
{
    internal static string String(JsonElement value, string path) => value.ValueKind == JsonValueKind.String
        ? value.GetString()!
        : throw ConfigErrors.Type(path, "a string", value);

    internal static long Int64(JsonElement value, string path, long min, long max)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            throw ConfigErrors.Type(path, "a whole number", value);
        }

        // 1500.0 and 15e2 are refused as by Go: the key wants an integer's spelling.
        if (!value.TryGetInt64(out long number))
        {
            throw new CniException(
                CniErrorCode.DecodingFailure, $"{path}: expected a whole number of 64 bits, without fraction or exponent");
        }

        return number >= min && number <= max ? number : throw ConfigErrors.Range(path, number, min, max);
    }

    internal static ConfigObject Object(JsonElement value, string path) => value.ValueKind == JsonValueKind.Object
        ? new ConfigObject(value, path)
        : throw ConfigErrors.Type(path, "an object", value);

    internal static ConfigArray Array(JsonElement value, string path) => value.ValueKind == JsonValueKind.Array
        ? new ConfigArray(value, path)
        : throw ConfigErrors.Type(path, "an array", value);
}
