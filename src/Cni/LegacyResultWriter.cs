using System.Net.Sockets;

namespace CniPlugins.Cni;

/// <summary>0.1.0 to 0.4.0, as the reference library prints them: keys in the order of its structs, <c>dns</c> always there.</summary>
internal static class LegacyResultWriter
{
    /// <summary>0.3.0 to 0.4.0: addresses carry their family, interfaces only name, mac and sandbox.</summary>
    internal static byte[] Write040(AddResult result, CniVersion version)
    {
        GoJsonWriter writer = Begin(version);
        writer.Member("interfaces", result.Interfaces, WriteInterface);
        writer.Member("ips", result.Ips, WriteIp);
        writer.Member("routes", result.Routes, WriteRoute);
        return End(writer, result);
    }

    /// <summary>0.1.0, 0.2.0: the first address of each family, with the routes of its family.</summary>
    internal static byte[] Write020(AddResult result, CniVersion version)
    {
        ResultIp? ip4 = FindFirst(result, AddressFamily.InterNetwork);
        ResultIp? ip6 = FindFirst(result, AddressFamily.InterNetworkV6);
        if (ip4 is null && ip6 is null)
        {
            throw new CniException(
                CniErrorCode.IncompatibleVersion,
                $"a result without an address cannot be written in version {version}: set cniVersion to 0.3.1 or newer, or configure ipam",
                "cannot convert: no valid IP addresses");
        }

        GoJsonWriter writer = Begin(version);
        WriteHalf(writer, "ip4", ip4, result);
        WriteHalf(writer, "ip6", ip6, result);
        return End(writer, result);
    }

    private static GoJsonWriter Begin(CniVersion version)
    {
        GoJsonWriter writer = new();
        writer.BeginObject();
        writer.Member("cniVersion", version.ToString());
        return writer;
    }

    private static byte[] End(GoJsonWriter writer, AddResult result)
    {
        DnsSettings dns = result.Dns;
        ResultPort.Write(writer, result.PublishedPorts);
        writer.Key("dns");
        writer.BeginObject();
        writer.Member("nameservers", dns.Nameservers);
        writer.Member("domain", dns.Domain);
        writer.Member("search", dns.Search);
        writer.Member("options", dns.Options);
        writer.EndObject();
        writer.EndObject();
        return writer.ToBytes();
    }

    private static void WriteInterface(GoJsonWriter writer, ResultInterface item)
    {
        writer.BeginObject();
        writer.Key("name");
        writer.String(item.Name);
        writer.Member("mac", item.Mac);
        writer.Member("sandbox", item.Sandbox);
        writer.EndObject();
    }

    private static void WriteIp(GoJsonWriter writer, ResultIp ip)
    {
        writer.BeginObject();
        writer.Member("version", ip.Address.AddressFamily == AddressFamily.InterNetwork ? "4" : "6");
        writer.Member("interface", ip.Interface);
        writer.Member("address", ip.Text);
        writer.Member("gateway", ip.Gateway is null ? null : IpText.Format(ip.Gateway));
        writer.EndObject();
    }

    // The reference keeps the attributes that 1.1.0 brought in a 0.4.0 result; readers of that version ignore them.
    private static void WriteRoute(GoJsonWriter writer, ResultRoute route)
    {
        writer.BeginObject();
        WriteWay(writer, route);
        writer.Member("mtu", route.Mtu);
        writer.Member("advmss", route.AdvMss);
        writer.Member("priority", route.Priority);
        writer.Member("table", route.Table);
        writer.Member("scope", route.Scope);
        writer.EndObject();
    }

    private static void WriteWay(GoJsonWriter writer, ResultRoute route)
    {
        writer.Member("dst", route.Text);
        writer.Member("gw", route.Gateway is null ? null : IpText.Format(route.Gateway));
    }

    private static void WriteHalf(GoJsonWriter writer, string key, ResultIp? ip, AddResult result)
    {
        if (ip is null)
        {
            return;
        }

        writer.Key(key);
        writer.BeginObject();
        writer.Member("ip", ip.Text);
        writer.Member("gateway", ip.Gateway is null ? null : IpText.Format(ip.Gateway));
        List<ResultRoute> routes = [];
        foreach (ResultRoute route in result.Routes)
        {
            if (route.Destination.AddressFamily == ip.Address.AddressFamily)
            {
                routes.Add(route);
            }
        }

        writer.Member("routes", routes, static (inner, route) =>
        {
            inner.BeginObject();
            WriteWay(inner, route);
            inner.EndObject();
        });
        writer.EndObject();
    }

    private static ResultIp? FindFirst(AddResult result, AddressFamily family)
    {
        foreach (ResultIp ip in result.Ips)
        {
            if (ip.Address.AddressFamily == family)
            {
                return ip;
            }
        }

        return null;
    }
}
