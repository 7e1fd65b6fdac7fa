using System.Net;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Ipam;

namespace CniPlugins.Attachments;

/// <summary>
/// Host-wide defaults, below what a network's own configuration says: the JSON file /etc/cni/cni-plugins.json, or the one that the
/// environment variable CNI_PLUGINS_CONFIG names. No file: the defaults below.
/// </summary>
public sealed record HostSettings
{
    /// <summary>Where the file is, unless the environment says otherwise.</summary>
    public const string DefaultPath = "/etc/cni/cni-plugins.json";

    private const string PathVariable = "CNI_PLUGINS_CONFIG";
    private const int LargestFile = 1 << 20;

    /// <summary>Key <c>stateDir</c>: records of attachments; they die with the kernel's state, so it may be a tmpfs.</summary>
    public string StateDirectory { get; init; } = "/run/cni-plugins";

    /// <summary>Key <c>dataDir</c>: leases, in the reference host-local's form.</summary>
    public string DataDirectory { get; init; } = "/var/lib/cni/networks";

    /// <summary>Key <c>subnetDir</c>: which subnets were chosen for networks that name none. It must outlive a reboot.</summary>
    public string SubnetDirectory { get; init; } = SubnetStore.DefaultDirectory;

    /// <summary>Key <c>tuningAllowlist</c>: the file with patterns of the kernel parameters that <c>tuning</c> may set; without the file any below net/.</summary>
    public string TuningAllowlist { get; init; } = "/etc/cni/tuning/allowlist.conf";

    /// <summary>Key <c>addressPools</c>: where those subnets come from.</summary>
    public AddressPools AddressPools { get; init; } = AddressPools.Default;

    /// <summary>Key <c>ipv6</c>: whether networks without a subnet of their own have IPv6. Null: if the host has it.</summary>
    public bool? Ipv6 { get; init; }

    /// <summary>
    /// Key <c>publish.defaultHostIP</c> (a string or a list): where a port is published whose mapping names no host address. Null: not set here.
    /// </summary>
    public IReadOnlyList<IPAddress>? DefaultHostAddresses { get; init; }

    /// <summary>Key <c>publish.loopback</c>: how ports on 127.0.0.1 are served.</summary>
    public LoopbackWay Loopback { get; init; }

    /// <summary>
    /// Key <c>publish.cgroup</c>: the directory of cgroup2 whose processes reach ports on loopback addresses, where they are served at the socket. Null: all
    /// processes of the host.
    /// </summary>
    public string? Cgroup { get; init; }

    /// <summary>Key <c>isolation</c>: for networks whose configuration does not say. Null: not set here.</summary>
    public Isolation? Isolation { get; init; }

    /// <summary>Reads the file.</summary>
    /// <exception cref="CniException">It cannot be read (5), is no JSON (6) or says something wrong (7).</exception>
    public static HostSettings Load(CniRequest request) => Load(request.Environment, request.Verb is CniVerb.Delete or CniVerb.Gc);

    /// <inheritdoc cref="Load(CniRequest)"/>
    /// <param name="environment">Names the file.</param>
    /// <param name="directoriesOnly">Whether a mistake in the rest is only told: cleaning up needs the directories alone.</param>
    public static HostSettings Load(CniEnvironment environment, bool directoriesOnly)
    {
        string? named = environment.Find(PathVariable);
        string path = named ?? DefaultPath;
        if (!Path.Exists(path))
        {
            return named is null ? new HostSettings() : throw new CniException(
                CniErrorCode.InvalidConfig, $"{PathVariable} names {path}, which is not there: create it, or unset the variable");
        }

        byte[] text = StateFiles.FindContent(path, LargestFile) ?? throw new CniException(
            CniErrorCode.InvalidConfig, $"{path} is no regular file of at most {LargestFile} bytes: that is no settings file");
        return Read(ConfigText.ParseObject(text, path), path, environment, directoriesOnly);
    }

    private static HostSettings Read(ConfigObject root, string path, CniEnvironment environment, bool directoriesOnly)
    {
        HostSettings settings = new()
        {
            StateDirectory = AbsolutePath(root, "stateDir", path) ?? new HostSettings().StateDirectory,
            DataDirectory = AbsolutePath(root, "dataDir", path) ?? new HostSettings().DataDirectory,
        };
        try
        {
            return settings with
            {
                SubnetDirectory = AbsolutePath(root, "subnetDir", path) ?? settings.SubnetDirectory,
                TuningAllowlist = AbsolutePath(root, "tuningAllowlist", path) ?? settings.TuningAllowlist,
                AddressPools = AddressPools.Read(root),
                Ipv6 = root.FindBool("ipv6"),
                DefaultHostAddresses = PublishDefaults.Read(root.FindObject("publish")),
                Cgroup = root.FindObject("publish") is ConfigObject publish ? AbsolutePath(publish, "cgroup", path) : null,
                Loopback = LoopbackWayText.Read(root.FindObject("publish")) ?? LoopbackWay.Socket,
                Isolation = IsolationText.Read(root),
            };
        }
        catch (CniException e) when (directoriesOnly)
        {
            // A mistake in the rest must not hold up the removal of every container of the host.
            environment.Warn($"{path}: {e.Message}");
            return settings;
        }
    }

    private static string? AbsolutePath(ConfigObject root, string key, string path)
    {
        string? value = root.FindString(key);
        return value is null || Path.IsPathFullyQualified(value)
            ? value
            : throw new CniException(CniErrorCode.InvalidConfig, $"{key} in {path} is \"{value}\": set it to an absolute path");
    }
}
