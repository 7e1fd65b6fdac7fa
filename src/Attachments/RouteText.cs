using System.Globalization;
using System.Net;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Attachments;

/// <summary>A route as a line in a record, in the words of <c>ip route</c>. The interface is the attachment's, and not in it.</summary>
internal static class RouteText
{
    public static string Write(IpRoute route) => string.Create(
        CultureInfo.InvariantCulture,
        $"{route.Destination}/{route.PrefixLength} table {route.Table} scope {(byte)route.Scope}{Word("via", route.Gateway)}{Word("src", route.Source)}{Word("metric", route.Priority)}{Word("mtu", route.Mtu)}{Word("advmss", route.AdvMss)}");

    /// <summary>Reads a line; null when it is none: not written by us, or cut short.</summary>
    public static IpRoute? TryRead(string line, InterfaceIndex output)
    {
        try
        {
            string[] words = line.Split(' ');
            string[] destination = words[0].Split('/');
            IpRoute route = new(IPAddress.Parse(destination[0]), byte.Parse(destination[1], CultureInfo.InvariantCulture)) { Output = output };
            for (int i = 1; i < words.Length; i += 2)
            {
                route = With(route, words[i], words[i + 1]);
            }

            return route;
        }
        catch (Exception e) when (e is FormatException or OverflowException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static IpRoute With(IpRoute route, string word, string value) => word switch
    {
        "table" => route with { Table = Number(value) },
        "scope" => route with { Scope = (RT_SCOPE)byte.Parse(value, CultureInfo.InvariantCulture) },
        "via" => route with { Gateway = IPAddress.Parse(value) },
        "src" => route with { Source = IPAddress.Parse(value) },
        "metric" => route with { Priority = Number(value) },
        "mtu" => route with { Mtu = Number(value) },
        "advmss" => route with { AdvMss = Number(value) },
        _ => throw new FormatException(word),
    };

    private static string Word(string word, object? value) => value is null ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" {word} {value}");

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);
}
