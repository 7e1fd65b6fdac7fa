namespace CniPlugins.NetnsTests.Harness;

/// <summary>What a runtime may vary in a call; the defaults are what most runtimes send.</summary>
public sealed record CniOptions
{
    /// <summary>CNI_IFNAME.</summary>
    public string InterfaceName { get; init; } = "eth0";

    /// <summary>CNI_NETNS; null is the container's own, an empty text leaves the variable out.</summary>
    public string? NetnsPath { get; init; }

    /// <summary>CNI_ARGS; empty leaves the variable out.</summary>
    public string Arguments { get; init; } = "";

    /// <summary>prevResult as JSON; null is the result of the last ADD of this network in CHECK and DEL, and none in ADD.</summary>
    public string? PreviousResult { get; init; }

    /// <summary>Sends no prevResult whatever happened before.</summary>
    public bool OmitPreviousResult { get; init; }

    /// <summary>runtimeConfig as JSON; null leaves the key as the configuration has it.</summary>
    public string? RuntimeConfig { get; init; }

    /// <summary>The directory of the executable; null is the host's.</summary>
    public string? Binaries { get; init; }

    /// <summary>Variables beside CNI_*, PATH and CNI_PLUGINS_CONFIG; one with an empty value takes a variable away.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}
