using System.Net;
using System.Net.Sockets;

namespace CniPlugins.Cni;

/// <summary>Reads a result of a known version into the newest form.</summary>
internal static class ResultReader
{
    internal static AddResult Read(ConfigObject result, CniVersion version)
    {
        DnsSettings dns = result.FindObject("dns") is { } settings ? DnsSettings.Read(settings) : new DnsSettings();
        IReadOnlyList<ResultPort> ports = ResultPort.Read(result);
        return version.Form == ResultForm.OneAddressPerFamily
            ? ReadPair(result, dns) with { PublishedPorts = ports }
            : new AddResult
            {
                Interfaces = Map(result.FindObjects("interfaces"), ReadInterface),
                Ips = Map(result.FindObjects("ips"), ReadIp),
                Routes = Map(result.FindObjects("routes"), ReadRoute),
                Dns = dns,
                PublishedPorts = ports,
            };
    }

    // 0.1.0, 0.2.0: routes stand below the address of their family.
    private static AddResult ReadPair(ConfigObject result, DnsSettings dns)
    {
        List<ResultIp> ips = [];
        List<ResultRoute> routes = [];
        foreach ((string key, AddressFamily family) in
                 new[] { ("ip4", AddressFamily.InterNetwork), ("ip6", AddressFamily.InterNetworkV6) })
        {
            if (result.FindObject(key) is not { } half)
            {
                continue;
            }

            (IPAddress address, int length) = ReadPrefix(half, "ip");
            if (address.AddressFamily != family)
            {
                throw new CniException(CniErrorCode.InvalidConfig, $"{half.PathOf("ip")}: {IpText.Format(address)} is of the other family");
            }

            ips.Add(new ResultIp(address, length, ReadAddress(half, "gateway")));
            foreach (ConfigObject route in half.FindObjects("routes") ?? [])
            {
                (IPAddress destination, int bits) = ReadPrefix(route, "dst");
                routes.Add(new ResultRoute(destination, bits, ReadAddress(route, "gw")));
            }
        }

        return new AddResult { Ips = ips, Routes = routes, Dns = dns };
    }

    private static ResultInterface ReadInterface(ConfigObject item) => new(
        item.FindString("name") ?? "",
        Text(item, "mac"),
        item.FindInt32("mtu") is { } mtu and not 0 ? mtu : null,
        Text(item, "sandbox"),
        Text(item, "socketPath"),
        Text(item, "pciID"));

    private static ResultIp ReadIp(ConfigObject item)
    {
        (IPAddress address, int length) = ReadPrefix(item, "address");
        return new ResultIp(address, length, ReadAddress(item, "gateway"), item.FindInt32("interface"));
    }

    /// <summary>Reads a route, whose keys are the same in results and in configurations.</summary>
    internal static ResultRoute ReadRoute(ConfigObject item)
    {
        (IPAddress destination, int length) = ReadPrefix(item, "dst");
        return new ResultRoute(destination, length, ReadAddress(item, "gw"))
        {
            // In the reference zero is absence for these three, and a value for the other two.
            Mtu = item.FindInt32("mtu") is { } mtu and not 0 ? mtu : null,
            AdvMss = item.FindInt32("advmss") is { } mss and not 0 ? mss : null,
            Priority = item.FindInt32("priority") is { } priority and not 0 ? priority : null,
            Table = item.FindInt32("table"),
            Scope = item.FindInt32("scope"),
        };
    }

    private static string? Text(ConfigObject item, string key) => item.FindString(key) is { Length: > 0 } text ? text : null;

    private static (IPAddress Address, int PrefixLength) ReadPrefix(ConfigObject item, string key) =>
        IpText.FindPrefix(item.GetString(key)) ?? throw new CniException(
            CniErrorCode.InvalidConfig,
            $"{item.PathOf(key)}: \"{item.FindString(key)}\" is not an address with a prefix length, such as 10.1.0.5/24");

    private static IPAddress? ReadAddress(ConfigObject item, string key) => Text(item, key) is not { } text
        ? null
        : IpText.FindAddress(text)
            ?? throw new CniException(CniErrorCode.InvalidConfig, $"{item.PathOf(key)}: \"{text}\" is not an IP address");

    private static T[] Map<T>(IReadOnlyList<ConfigObject>? items, Func<ConfigObject, T> read)
    {
        if (items is null)
        {
            return [];
        }

        T[] all = new T[items.Count];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = read(items[i]);
        }

        return all;
    }
}
