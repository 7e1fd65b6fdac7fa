using System.Text.Json;

namespace CniPlugins.Cni;

/// <summary>The sentences about a value of the wrong type or size.</summary>
internal static class ConfigErrors
{
    internal static CniException Type(string path, string expected, JsonElement found) =>
        new(CniErrorCode.DecodingFailure, $"{path}: expected {expected}, found {Describe(found)}");

    internal static CniException Range(string path, long value, long min, long max) =>
        new(CniErrorCode.InvalidConfig, max == long.MaxValue
            ? $"{path}: {value} is too small, the least is {min}"
            : $"{path}: {value} is out of range, {min} to {max} is allowed");

    internal static string Describe(JsonElement found) => found.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };
}
