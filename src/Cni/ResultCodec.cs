namespace CniPlugins.Cni;

/// <summary>Reads and writes results of every version.</summary>
public static class ResultCodec
{
    /// <summary>
    /// Reads a prevResult. Its version must be of the same family as the configuration's; a missing one is the configuration's.
    /// </summary>
    /// <exception cref="CniException">A wrong type (6), a bad address (7), another family (7).</exception>
    public static AddResult ReadPrevResult(ConfigObject result, CniVersion config)
    {
        CniVersion version = ReadVersion(result, config);
        return version.Form == config.Form
            ? ResultReader.Read(result, version)
            : throw new CniException(
                CniErrorCode.InvalidConfig,
                $"prevResult is of version {version}, which cannot stand in a configuration of version {config}: " +
                "the runtime must convert it to the configuration's version");
    }

    /// <summary>Reads what a delegate printed, in its own version; a missing one is the configuration's.</summary>
    /// <exception cref="CniException">Not JSON or a wrong type (6), a bad address (7).</exception>
    public static AddResult Read(ReadOnlyMemory<byte> text, CniVersion config)
    {
        ConfigObject result = ConfigText.ParseObject(text, "the result");
        return ResultReader.Read(result, ReadVersion(result, config));
    }

    /// <summary>Writes a result as the reference library writes it in a version, indented by four, without a final newline.</summary>
    /// <exception cref="CniException">The version cannot express it: 0.1.0 and 0.2.0 need an address (1).</exception>
    public static byte[] Write(AddResult result, CniVersion version) => version.Form switch
    {
        ResultForm.OneAddressPerFamily => LegacyResultWriter.Write020(result, version),
        ResultForm.AddressListWithFamily => LegacyResultWriter.Write040(result, version),
        _ => ResultWriter.Write(result, version),
    };

    private static CniVersion ReadVersion(ConfigObject result, CniVersion config)
    {
        string? text = result.FindString("cniVersion");
        if (string.IsNullOrEmpty(text))
        {
            return config;
        }

        return CniVersion.Find(text) is { } version && CniVersion.Supported.Contains(version)
            ? version
            : throw new CniException(
                CniErrorCode.IncompatibleVersion,
                $"{result.PathOf("cniVersion")} \"{text}\" is not supported: use one of {string.Join(", ", CniVersion.Supported)}");
    }
}
