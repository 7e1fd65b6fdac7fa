using CniPlugins.Cni;

namespace CniPlugins.Attachments;

/// <summary>Who may open connections into a network.</summary>
public enum Isolation
{
    /// <summary>Whoever has a route to it.</summary>
    None,

    /// <summary>The network itself and this host; from outside, only what is published.</summary>
    Full,
}

/// <summary>The key <c>isolation</c>.</summary>
public static class IsolationText
{
    /// <summary>Reads <c>"full"</c> or <c>"none"</c>; null when absent.</summary>
    /// <exception cref="CniException">Another value (7).</exception>
    public static Isolation? Read(ConfigObject config) => config.FindString("isolation") switch
    {
        null => null,
        "full" => Isolation.Full,
        "none" => Isolation.None,
        string other => throw new CniException(
            CniErrorCode.InvalidConfig, $"{config.PathOf("isolation")} is \"{other}\": set it to \"full\" or \"none\""),
    };
}
