namespace CniPlugins.Cni;

/// <summary>The <c>code</c> of an error object: CNI specification 1.1.0, section "Error", and the reference library's additions.</summary>
public enum CniErrorCode
{
    /// <summary>Nothing more is known.</summary>
    Unknown = 0,

    /// <summary>The configuration's version is not one that the plugin (or the verb) speaks.</summary>
    IncompatibleVersion = 1,

    /// <summary>A field has a value that is not supported; the message names key and value.</summary>
    UnsupportedField = 2,

    /// <summary>The container is unknown: the runtime need not clean up.</summary>
    UnknownContainer = 3,

    /// <summary>An environment variable is missing or malformed; the message names it.</summary>
    InvalidEnvironment = 4,

    /// <summary>Input, output or a system call failed.</summary>
    IoFailure = 5,

    /// <summary>The text is not JSON, or a value has another type than the key wants.</summary>
    DecodingFailure = 6,

    /// <summary>The configuration is readable, but wrong.</summary>
    InvalidConfig = 7,

    /// <summary>The network namespace cannot be used. The reference library's number.</summary>
    InvalidNetns = 8,

    /// <summary>The same call may succeed later.</summary>
    TryAgainLater = 11,

    /// <summary>STATUS: the plugin cannot serve ADD.</summary>
    PluginNotAvailable = 50,

    /// <summary>STATUS: the plugin cannot serve ADD, and existing containers may have lost connectivity.</summary>
    LimitedConnectivity = 51,

    /// <summary>CHECK: something that ADD made is gone or has changed. Ours: the specification leaves 100 and up to plugins.</summary>
    NotAsAdded = 100,

    /// <summary>The running kernel lacks something that the configuration needs. Ours.</summary>
    KernelLacksFeature = 101,

    /// <summary>A failure inside the plugin. The reference library's number.</summary>
    Internal = 999,
}
