namespace CniPlugins.Cni;

/// <summary>
/// 1.0.0 and 1.1.0, as library v1.3.0 prints them: keys sorted at every level, an empty <c>dns</c> left out. One form serves both
/// versions: what 1.1.0 brought stands in a 1.0.0 result too.
/// </summary>
internal static class ResultWriter
{
    internal static byte[] Write(AddResult result, CniVersion version)
    {
        GoJsonWriter writer = new();
        writer.BeginObject();
        writer.Member("cniVersion", version.ToString());
        WriteDns(writer, result.Dns);
        writer.Member("interfaces", result.Interfaces, WriteInterface);
        writer.Member("ips", result.Ips, WriteIp);
        ResultPort.Write(writer, result.PublishedPorts);
        writer.Member("routes", result.Routes, WriteRoute);
        writer.EndObject();
        return writer.ToBytes();
    }

    private static void WriteDns(GoJsonWriter writer, DnsSettings dns)
    {
        if (dns.IsEmpty)
        {
            return;
        }

        writer.Key("dns");
        writer.BeginObject();
        writer.Member("domain", dns.Domain);
        writer.Member("nameservers", dns.Nameservers);
        writer.Member("options", dns.Options);
        writer.Member("search", dns.Search);
        writer.EndObject();
    }

    private static void WriteInterface(GoJsonWriter writer, ResultInterface item)
    {
        writer.BeginObject();
        writer.Member("mac", item.Mac);
        writer.Member("mtu", item.Mtu);
        writer.Key("name");
        writer.String(item.Name);
        writer.Member("pciID", item.PciId);
        writer.Member("sandbox", item.Sandbox);
        writer.Member("socketPath", item.SocketPath);
        writer.EndObject();
    }

    private static void WriteIp(GoJsonWriter writer, ResultIp ip)
    {
        writer.BeginObject();
        writer.Member("address", ip.Text);
        writer.Member("gateway", ip.Gateway is null ? null : IpText.Format(ip.Gateway));
        writer.Member("interface", ip.Interface);
        writer.EndObject();
    }

    private static void WriteRoute(GoJsonWriter writer, ResultRoute route)
    {
        writer.BeginObject();
        writer.Member("advmss", route.AdvMss);
        writer.Member("dst", route.Text);
        writer.Member("gw", route.Gateway is null ? null : IpText.Format(route.Gateway));
        writer.Member("mtu", route.Mtu);
        writer.Member("priority", route.Priority);
        writer.Member("scope", route.Scope);
        writer.Member("table", route.Table);
        writer.EndObject();
    }
}
