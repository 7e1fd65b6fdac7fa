namespace CniPlugins.Cni;

/// <summary>
/// CNI_ARGS: <c>K=V;K2=V2</c>, read as the reference reads it: exact keys, exactly one '=' in each pair, no ';' at the end. It is
/// read when a plugin asks for it, so that one which does not is not disturbed by it.
/// </summary>
public sealed class CniArgs
{
    private (string Key, string Value)[]? _pairs;

    /// <summary>Takes the variable's value; null is the same as empty.</summary>
    public CniArgs(string? text) => Text = text ?? "";

    /// <summary>The variable's value.</summary>
    public string Text { get; }

    /// <summary>The value of a key, which may be empty; null when it is absent. The last one of several counts.</summary>
    /// <exception cref="CniException">The variable is malformed (4).</exception>
    public string? Find(string key)
    {
        (string Key, string Value)[] pairs = _pairs ??= Read(Text);
        for (int i = pairs.Length - 1; i >= 0; i--)
        {
            if (pairs[i].Key == key)
            {
                return pairs[i].Value;
            }
        }

        return null;
    }

    /// <summary>Refuses keys that the plugin does not know, unless IgnoreUnknown is 1 or true.</summary>
    /// <exception cref="CniException">The variable is malformed or has an unknown key (4).</exception>
    public void RequireKnown(params ReadOnlySpan<string> known)
    {
        if (IgnoresUnknown())
        {
            return;
        }

        foreach ((string key, _) in _pairs ??= Read(Text))
        {
            if (key != "IgnoreUnknown" && !known.Contains(key))
            {
                throw Error($"\"{key}\" is not known to this plugin: leave it out, or add IgnoreUnknown=1");
            }
        }
    }

    private bool IgnoresUnknown() => Find("IgnoreUnknown")?.ToLowerInvariant() switch
    {
        "1" or "true" => true,
        null or "0" or "false" => false,
        _ => throw Error("IgnoreUnknown must be 1, true, 0 or false"),
    };

    private static (string, string)[] Read(string text)
    {
        if (text.Length == 0)
        {
            return [];
        }

        string[] parts = text.Split(';');
        (string, string)[] pairs = new (string, string)[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            int equals = parts[i].IndexOf('=');
            if (equals < 0 || parts[i].IndexOf('=', equals + 1) >= 0)
            {
                throw Error($"\"{parts[i]}\" is not of the form KEY=VALUE with one '=': pairs are separated by one ';', none at the end");
            }

            pairs[i] = (parts[i][..equals], parts[i][(equals + 1)..]);
        }

        return pairs;
    }

    private static CniException Error(string message) => new(CniErrorCode.InvalidEnvironment, "CNI_ARGS: " + message);
}
