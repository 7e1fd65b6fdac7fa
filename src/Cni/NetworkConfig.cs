namespace CniPlugins.Cni;

/// <summary>The configuration that a runtime gives on standard input, with the keys that the specification defines.</summary>
public sealed class NetworkConfig
{
    private NetworkConfig(ReadOnlyMemory<byte> bytes, ConfigObject root, CniVersion version, string name)
    {
        Bytes = bytes;
        Root = root;
        Version = version;
        Name = name;
        Type = root.FindString("type") ?? "";
        Ipam = root.FindObject("ipam");
        RuntimeConfig = root.FindObject("runtimeConfig");
        ArgsCni = root.FindObject("args")?.FindObject("cni");
        Dns = root.FindObject("dns") is { } dns ? DnsSettings.Read(dns) : null;
    }

    /// <summary>Which version the result is to be written in.</summary>
    public CniVersion Version { get; }

    /// <summary>The network's name, safe as a path component.</summary>
    public string Name { get; }

    /// <summary>The plugin's type; empty when the configuration does not say.</summary>
    public string Type { get; }

    /// <summary>Every key, for those of the plugin itself.</summary>
    public ConfigObject Root { get; }

    /// <summary>Below <c>ipam</c>; null when absent.</summary>
    public ConfigObject? Ipam { get; }

    /// <summary>What the runtime adds for declared capabilities; null when nothing.</summary>
    public ConfigObject? RuntimeConfig { get; }

    /// <summary>Below <c>args.cni</c>; null when absent.</summary>
    public ConfigObject? ArgsCni { get; }

    /// <summary>Below <c>dns</c>; null when the key is absent, empty when the object is.</summary>
    public DnsSettings? Dns { get; }

    /// <summary>The result of the plugins before this one (ADD), or of the whole ADD (DEL, CHECK); null when there is none.</summary>
    public AddResult? PrevResult { get; private init; }

    /// <summary>The text as it came, for a delegate.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Reads a configuration, prevResult included.</summary>
    /// <exception cref="CniException">Not JSON or a wrong type (6), no valid name (7), a version that is not spoken (1).</exception>
    public static NetworkConfig Parse(ReadOnlyMemory<byte> bytes) => Parse(bytes, CniVersion.Supported, CniVerb.Add, static _ => { });

    /// <summary>Reads a configuration for a verb. In the order of the reference: JSON, name, version, then the rest.</summary>
    internal static NetworkConfig Parse(ReadOnlyMemory<byte> bytes, IReadOnlyList<CniVersion> spoken, CniVerb verb, Action<string> warn)
    {
        ConfigObject root = ConfigText.ParseObject(bytes, "the network configuration on standard input");
        string? versionText = root.FindString("cniVersion");
        string name = ReadName(root);
        CniVersion version = ReadVersion(versionText, spoken, verb);
        return new NetworkConfig(bytes, root, version, name) { PrevResult = ReadPrevResult(root, version, verb, warn) };
    }

    private static string ReadName(ConfigObject root)
    {
        string? name = root.FindString("name");
        if (string.IsNullOrEmpty(name))
        {
            throw new CniException(CniErrorCode.InvalidConfig, "the network configuration has no name: set \"name\"");
        }

        return CniNames.IsNetworkName(name)
            ? name
            : throw new CniException(CniErrorCode.InvalidConfig, $"the network name \"{name}\" is not allowed: it must be {CniNames.Rule}, at most {CniNames.MaxNetworkNameLength} in all");
    }

    private static CniVersion ReadVersion(string? text, IReadOnlyList<CniVersion> spoken, CniVerb verb)
    {
        CniVersion? version = string.IsNullOrEmpty(text) ? CniVersion.Oldest : CniVersion.Find(text);
        if (version is not { } known || !spoken.Contains(known))
        {
            throw new CniException(
                CniErrorCode.IncompatibleVersion,
                $"cniVersion \"{text}\" is not supported: set it to one of {string.Join(", ", spoken)}",
                $"config is \"{text}\", plugin supports [{string.Join(' ', spoken)}]");
        }

        return known >= verb.Since()
            ? known
            : throw new CniException(
                CniErrorCode.IncompatibleVersion,
                $"cniVersion {known} has no {verb.Word()}: it came with {verb.Since()}");
    }

    private static AddResult? ReadPrevResult(ConfigObject root, CniVersion version, CniVerb verb, Action<string> warn)
    {
        if (verb is CniVerb.Status or CniVerb.Gc)
        {
            return null;
        }

        try
        {
            return root.FindObject("prevResult") is { } previous ? ResultCodec.ReadPrevResult(previous, version) : null;
        }
        catch (CniException e) when (verb == CniVerb.Delete)
        {
            // DEL cleans up as far as it can: what cannot be read is as good as missing, and missing is allowed.
            warn($"prevResult is left out of account: {e.Message}");
            return null;
        }
    }
}
