using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Ipam;

namespace CniPlugins.Attachments;

/// <summary>What the reference <c>host-local</c> reads from a network configuration, and more, checked: it exists only when it is valid.</summary>
public sealed record HostLocalConfig
{
    private const string Missing = "ipam is missing: set it to an object with type \"host-local\"";

    private readonly AddressPlan? _plan;
    private readonly IReadOnlyList<AddressSpan> _excluded;
    private readonly IReadOnlyList<AddressSpan> _reserved;

    private HostLocalConfig(ConfigObject ipam, ConfigObject? runtimeConfig)
    {
        _excluded = HostLocalRanges.ReadSpans(ipam, "exclude");
        _reserved = HostLocalRanges.ReadSpans(ipam, "reserve");
        _plan = HostLocalRanges.Find(ipam, runtimeConfig) is AddressPlan plan
            ? HostLocalRanges.Name(ipam.Path, () => plan.Restrict(_excluded, _reserved))
            : null;
    }

    /// <summary>Whether the configuration says nothing of addresses, so that the network gets subnets of its own.</summary>
    public bool IsDynamic => _plan is null;

    /// <summary>Whether a network that gets its subnets by itself has an IPv6 one: key <c>ipam.ipv6</c>, else the host-wide setting, else if the host has IPv6.</summary>
    public bool WantsIpv6 => Ipv6 ?? NetworkSubnets.HasIpv6;

    /// <summary>
    /// Key <c>ipam.sticky</c>: the name whose address is the same whenever it is free. A pod's, which outlives its sandboxes; without one
    /// the container's id. Null: addresses are given in turn.
    /// </summary>
    public string? StickyName { get; private init; }

    /// <summary>
    /// Addresses asked for, by all three ways together: CNI_ARGS <c>IP</c>, <c>args.cni.ips</c>, <c>runtimeConfig.ips</c>.
    /// </summary>
    public IReadOnlyList<IPAddress> Requested { get; private init; } = [];

    /// <summary>Key <c>ipam.routes</c>, passed on with every attribute.</summary>
    public IReadOnlyList<ResultRoute> Routes { get; private init; } = [];

    /// <summary>Key <c>ipam.resolvConf</c>: the file whose settings the result carries; null for none.</summary>
    public string? ResolvConfPath { get; private init; }

    /// <summary>Key <c>ipam.dataDir</c>, else the host-wide setting.</summary>
    public required string DataDirectory { get; init; }

    private bool? Ipv6 { get; init; }

    /// <summary>Reads the configuration of a call.</summary>
    /// <exception cref="CniException">CNI_ARGS is wrong (4), a value has another type (6), or the configuration is wrong (7).</exception>
    public static HostLocalConfig Read(CniRequest request, HostSettings settings)
    {
        NetworkConfig config = request.Config;
        ConfigObject ipam = config.Ipam ?? throw new CniException(CniErrorCode.InvalidConfig, Missing);
        HostLocalConfig read = new(ipam, config.RuntimeConfig)
        {
            Ipv6 = ipam.FindBool("ipv6") ?? settings.Ipv6,
            StickyName = ipam.FindBool("sticky") == true ? NameOf(request) : null,
            Requested = ReadRequested(request),
            Routes = ReadRoutes(ipam),
            ResolvConfPath = ipam.FindString("resolvConf") is { Length: > 0 } path ? path : null,
            DataDirectory = ReadDataDirectory(config, settings),
        };
        RequireRoom(read._plan, config.Version);
        return read;
    }

    /// <summary>The range sets: <c>runtimeConfig.ipRanges</c>, then the old single range, then <c>ipam.ranges</c>; without any, the network's own subnets.</summary>
    /// <param name="subnets">Gives those; called only when they are needed.</param>
    /// <exception cref="IpamConfigException">Everything is excluded.</exception>
    public AddressPlan GetPlan(Func<IReadOnlyList<IpPrefix>> subnets)
    {
        if (_plan is not null)
        {
            return _plan;
        }

        List<RangeSet> sets = [];
        foreach (IpPrefix subnet in subnets())
        {
            // A subnet of each family is chosen in any case: who switches IPv6 on later has it at once.
            if (subnet.Family == AddressFamily.InterNetwork || WantsIpv6)
            {
                sets.Add(new RangeSet(new AddressRange(subnet)));
            }
        }

        return new AddressPlan(sets).Restrict(_excluded, _reserved);
    }

    /// <summary>Where the network's leases are. This is all that giving them back needs: wrong ranges are no hindrance.</summary>
    /// <exception cref="CniException">The value is no string (6) or no path (7).</exception>
    public static string ReadDataDirectory(NetworkConfig config, HostSettings settings)
    {
        if (config.Ipam?.FindString("dataDir") is not { Length: > 0 } path)
        {
            return settings.DataDirectory;
        }

        // The kernel would take what stands before it for the path.
        if (path.Contains('\0'))
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"{config.Ipam.PathOf("dataDir")} holds a NUL character: set it to a path");
        }

        // Another directory at DEL, if that is called from elsewhere.
        return Path.IsPathFullyQualified(path) ? path : throw new CniException(
            CniErrorCode.InvalidConfig, $"{config.Ipam.PathOf("dataDir")} is \"{path}\": set it to an absolute path");
    }

    private static string NameOf(CniRequest request) =>
        request.Args.Find("K8S_POD_NAME") is { Length: > 0 } pod
            ? $"{request.Args.Find("K8S_POD_NAMESPACE")}/{pod}/{request.Attachment.IfName}"
            : $"{request.Attachment.ContainerId}/{request.Attachment.IfName}";

    // Until 0.2.0 a result had room for one address of a family.
    private static void RequireRoom(AddressPlan? plan, CniVersion version)
    {
        if (plan is null)
        {
            return;
        }

        foreach (AddressFamily family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            if (plan.Count(family) > 1 && version < new CniVersion(0, 3, 0))
            {
                string name = family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
                throw new CniException(
                    CniErrorCode.InvalidConfig,
                    $"ipam.ranges has {plan.Count(family)} {name} range sets, and cniVersion {version} knows one {name} address for a "
                    + "container: join the sets into one, or set cniVersion to 0.3.0 or later");
            }
        }
    }

    private static List<IPAddress> ReadRequested(CniRequest request)
    {
        List<IPAddress> requested = [];
        if (request.Args.Find("IP") is { } argument)
        {
            requested.Add(FindAddress(argument) ?? throw new CniException(
                CniErrorCode.InvalidEnvironment,
                $"CNI_ARGS: IP is \"{argument}\": set it to an address such as 10.1.0.5, with or without a prefix length"));
        }

        AddRequested(request.Config.ArgsCni, requested);
        AddRequested(request.Config.RuntimeConfig, requested);
        return requested;
    }

    private static void AddRequested(ConfigObject? from, List<IPAddress> requested)
    {
        foreach (string text in from?.FindStrings("ips") ?? [])
        {
            requested.Add(FindAddress(text) ?? throw new CniException(
                CniErrorCode.InvalidConfig,
                $"{from!.PathOf("ips")}: \"{text}\" is not an address such as 10.1.0.5, with or without a prefix length"));
        }
    }

    // The length does not matter: the lease has that of its subnet.
    private static IPAddress? FindAddress(string text) =>
        IpPrefix.TryParse(text, out IpPrefix prefix) ? prefix.Address
        : AddressText.TryParse(text, out IPAddress address) ? address
        : null;

    private static List<ResultRoute> ReadRoutes(ConfigObject ipam)
    {
        List<ResultRoute> routes = [];
        foreach (ConfigObject route in ipam.FindObjects("routes") ?? [])
        {
            routes.Add(ResultRoute.Read(route));
        }

        return routes;
    }
}
