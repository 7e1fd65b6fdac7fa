namespace CniPlugins.Cni;

/// <summary>What CNI_COMMAND asks for.</summary>
public enum CniVerb
{
    /// <summary>ADD: attach the container to the network.</summary>
    Add,

    /// <summary>DEL: detach it and free what it held; lenient and repeatable.</summary>
    Delete,

    /// <summary>CHECK (since 0.4.0): is everything that ADD made still in place?</summary>
    Check,

    /// <summary>STATUS (since 1.1.0): would an ADD succeed?</summary>
    Status,

    /// <summary>GC (since 1.1.0): free what no valid attachment owns.</summary>
    Gc,

    /// <summary>VERSION: which versions does the plugin speak?</summary>
    Version,
}
