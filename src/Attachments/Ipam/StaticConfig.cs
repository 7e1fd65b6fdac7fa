using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Ipam;

namespace CniPlugins.Attachments;

/// <summary>What the reference <c>static</c> reads from a network configuration, checked: it exists only when it is valid.</summary>
public sealed record StaticConfig
{
    private StaticConfig(IReadOnlyList<ResultIp> addresses) => Addresses = addresses;

    /// <summary>
    /// The addresses: <c>runtimeConfig.ips</c>; without it <c>args.cni.ips</c>; without that <c>ipam.addresses</c> and CNI_ARGS <c>IP</c>
    /// together.
    /// </summary>
    public IReadOnlyList<ResultIp> Addresses { get; }

    /// <summary>Key <c>ipam.routes</c>, passed on with every attribute; several to one destination stay several.</summary>
    public IReadOnlyList<ResultRoute> Routes { get; private init; } = [];

    /// <summary>Key <c>ipam.dns</c>.</summary>
    public DnsSettings Dns { get; private init; } = new();

    /// <summary>Reads the configuration of a call.</summary>
    /// <exception cref="CniException">CNI_ARGS is wrong (4), a value has another type (6), or the configuration is wrong (7).</exception>
    public static StaticConfig Read(CniRequest request)
    {
        ConfigObject ipam = request.Config.Ipam ?? throw new CniException(
            CniErrorCode.InvalidConfig, "ipam is missing: set it to an object with type \"static\" and addresses");

        // Everything is read, what counts and what does not: a mistake is told where it was made.
        List<ResultIp> configured = [.. ReadAddresses(ipam), .. ReadArguments(request.Args)];
        List<ResultIp> byArgs = ReadIps(request.Config.ArgsCni);
        List<ResultIp> byRuntime = ReadIps(request.Config.RuntimeConfig);
        StaticConfig config = new(byRuntime.Count > 0 ? byRuntime : byArgs.Count > 0 ? byArgs : configured)
        {
            Routes = ReadRoutes(ipam),
            Dns = ipam.FindObject("dns") is { } dns ? DnsSettings.Read(dns) : new DnsSettings(),
        };
        config.RequireRoom(request.Config.Version);
        return config;
    }

    private static List<ResultIp> ReadAddresses(ConfigObject ipam)
    {
        List<ResultIp> addresses = [];
        foreach (ConfigObject item in ipam.FindObjects("addresses") ?? [])
        {
            ResultIp address = Parse(item.GetString("address"), item.PathOf("address"), CniErrorCode.InvalidConfig);
            addresses.Add(address with
            {
                Gateway = item.FindString("gateway") is { Length: > 0 } gateway
                    ? ParseGateway(gateway, item.PathOf("gateway"), CniErrorCode.InvalidConfig)
                    : null,
            });
        }

        return addresses;
    }

    /// <summary>IP and GATEWAY, lists separated by commas. A gateway is that of every address here whose prefix holds it; those of the configuration keep theirs.</summary>
    private static List<ResultIp> ReadArguments(CniArgs args)
    {
        List<ResultIp> addresses = [];
        foreach (string text in Split(args.Find("IP")))
        {
            addresses.Add(Parse(text, "CNI_ARGS: IP", CniErrorCode.InvalidEnvironment));
        }

        foreach (string text in Split(args.Find("GATEWAY")))
        {
            IPAddress gateway = ParseGateway(text, "CNI_ARGS: GATEWAY", CniErrorCode.InvalidEnvironment);
            for (int i = 0; i < addresses.Count; i++)
            {
                if (new IpPrefix(addresses[i].Address, addresses[i].PrefixLength).Contains(gateway))
                {
                    addresses[i] = addresses[i] with { Gateway = gateway };
                }
            }
        }

        return addresses;
    }

    private static List<ResultIp> ReadIps(ConfigObject? from)
    {
        List<ResultIp> addresses = [];
        foreach (string text in from?.FindStrings("ips") ?? [])
        {
            addresses.Add(Parse(text, from!.PathOf("ips"), CniErrorCode.InvalidConfig));
        }

        return addresses;
    }

    private static List<ResultRoute> ReadRoutes(ConfigObject ipam)
    {
        List<ResultRoute> routes = [];
        foreach (ConfigObject route in ipam.FindObjects("routes") ?? [])
        {
            routes.Add(ResultRoute.Read(route));
        }

        return routes;
    }

    private static string[] Split(string? list) =>
        string.IsNullOrEmpty(list) ? [] : list.Split(',', StringSplitOptions.TrimEntries);

    private static ResultIp Parse(string text, string place, CniErrorCode code) =>
        IpPrefix.TryParse(text, out IpPrefix prefix)
            ? new ResultIp(prefix.Address, prefix.Length)
            : throw new CniException(code, $"{place}: \"{text}\" is not an address with a prefix length, such as 10.1.0.5/24");

    private static IPAddress ParseGateway(string text, string place, CniErrorCode code) =>
        AddressText.TryParse(text, out IPAddress address)
            ? address
            : throw new CniException(code, $"{place}: \"{text}\" is not an address such as 10.1.0.1");

    // Until 0.2.0 a result had room for one address of a family.
    private void RequireRoom(CniVersion version)
    {
        foreach (AddressFamily family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            int count = Addresses.Count(ip => ip.Address.AddressFamily == family);
            if (count > 1 && version < new CniVersion(0, 3, 0))
            {
                string name = family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
                throw new CniException(
                    CniErrorCode.InvalidConfig,
                    $"there are {count} {name} addresses, and cniVersion {version} knows one for a container: set cniVersion to 0.3.0 or later");
            }
        }
    }
}
