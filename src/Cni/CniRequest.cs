namespace CniPlugins.Cni;

/// <summary>One call by a runtime, checked.</summary>
public sealed class CniRequest
{
    internal CniRequest(CniVerb verb, AttachmentId attachment, NetworkConfig config, CniEnvironment environment)
    {
        Verb = verb;
        Attachment = attachment;
        Config = config;
        Environment = environment;
        Args = new CniArgs(environment.Find("CNI_ARGS"));
        CniPath = environment.Find("CNI_PATH");
        NetnsPath = environment.Find("CNI_NETNS");
    }

    /// <summary>What is asked for.</summary>
    public CniVerb Verb { get; }

    /// <summary>For whom. STATUS and GC concern no attachment: container and interface are empty there.</summary>
    public AttachmentId Attachment { get; }

    /// <summary>The container's namespace; null when the runtime gave none, or (DEL) when it is not to be entered.</summary>
    public string? NetnsPath { get; internal init; }

    /// <summary>CNI_ARGS.</summary>
    public CniArgs Args { get; }

    /// <summary>Where delegates are looked for, separated by ':'; null when not set.</summary>
    public string? CniPath { get; }

    /// <summary>The configuration.</summary>
    public NetworkConfig Config { get; }

    /// <summary>GC: who is to be spared, interface by interface; empty otherwise.</summary>
    public IReadOnlyList<(string ContainerId, string IfName)> ValidAttachments { get; internal init; } = [];

    /// <summary>Variables and streams.</summary>
    public CniEnvironment Environment { get; }

    /// <summary>
    /// The same call with another configuration: a driver that lets much be left out writes it in full and goes on with that. It is read as
    /// standard input was.
    /// </summary>
    /// <exception cref="CniException">The configuration is wrong.</exception>
    public CniRequest WithConfig(ReadOnlyMemory<byte> bytes) =>
        new(Verb, Attachment, NetworkConfig.Parse(bytes, CniVersion.Supported, Verb, Warn), Environment)
        {
            NetnsPath = NetnsPath,
            ValidAttachments = ValidAttachments,
        };

    /// <summary>Writes a line for the runtime's log to standard error.</summary>
    public void Warn(string message) => Environment.Warn(message);
}
