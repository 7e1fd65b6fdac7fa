using System.Net;
using System.Net.Sockets;
using CniPlugins.Cni;

namespace CniPlugins.Plugins.Sbr;

/// <summary>How the routes are chosen by source. An object of this type is valid. README.md has the table of keys.</summary>
public sealed record SbrConfig
{
    /// <summary>The table that the rules lead to, and that somebody else fills; null: tables of our own, with the interface's routes.</summary>
    public uint? Table { get; init; }

    /// <summary>Default gateways in place of those of the addresses, one for each family.</summary>
    public required IReadOnlyList<IPAddress> Gateways { get; init; }

    /// <summary>Whether routes on the link stay in the main table as well, with the address to send from.</summary>
    public bool AddSourceHints { get; init; }

    /// <summary>The default gateway for an address; null when there is none.</summary>
    public IPAddress? GatewayFor(ResultIp ip) => FindOwnGateway(ip.Address.AddressFamily) ?? ip.Gateway;

    /// <summary>The gateway that the configuration names for a family.</summary>
    public IPAddress? FindOwnGateway(AddressFamily family) => Gateways.FirstOrDefault(gateway => gateway.AddressFamily == family);

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="CniException">A key is wrong (6, 7).</exception>
    public static SbrConfig Read(ConfigObject root)
    {
        List<IPAddress> gateways = [];
        foreach (string text in root.FindStrings("gateways") ?? [])
        {
            if (IpText.FindAddress(text) is not IPAddress gateway)
            {
                throw Invalid($"gateways has \"{text}\", which is no IP address");
            }

            if (gateways.Exists(each => each.AddressFamily == gateway.AddressFamily))
            {
                throw Invalid($"gateways has two of one family, {gateway} is the second: name at most one IPv4 and one IPv6 address");
            }

            gateways.Add(gateway);
        }

        return new SbrConfig
        {
            Table = (uint?)root.FindInt64("table", 1, uint.MaxValue),
            Gateways = gateways,
            AddSourceHints = root.FindBool("addSourceHints") ?? false,
        };
    }

    private static CniException Invalid(string message) => new(CniErrorCode.InvalidConfig, message);
}
