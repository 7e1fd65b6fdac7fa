using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Plugins.Bridge;

/// <summary>
/// A configuration that says nothing of the reference bridge's gets our defaults, written out in the reference's own keys; everything after that sees an
/// ordinary configuration. One that says anything keeps the reference's meaning throughout.
/// </summary>
internal static class BridgeDefaults
{
    private static readonly string[] s_referenceKeys =
    [
        "bridge", "isGateway", "isDefaultGateway", "forceAddress", "ipMasq", "ipMasqBackend", "mtu", "hairpinMode", "promiscMode", "vlan", "vlanTrunk",
        "preserveDefaultVlan", "macspoofchk", "enabledad", "disableContainerInterface", "portIsolation", "ipam", "dns",
    ];

    /// <summary>The same request, or one with the defaults written out.</summary>
    /// <exception cref="CniException">The configuration is wrong.</exception>
    public static CniRequest Expand(CniRequest request, Host host)
    {
        // A null counts as said: {"ipam": null} is pure layer 2 to the reference.
        ConfigObject root = request.Config.Root;
        foreach (string key in root.Keys)
        {
            if (Array.Exists(s_referenceKeys, reference => reference.Equals(key, StringComparison.OrdinalIgnoreCase)))
            {
                return request;
            }
        }

        return request.WithConfig(Join(Write(request, host), root.RawText));
    }

    private static byte[] Write(CniRequest request, Host host)
    {
        ConfigObject root = request.Config.Root;
        GoJsonWriter writer = new();
        writer.BeginObject();
        writer.Member("bridge", AttachmentNames.Bridge(request.Config.Name));
        writer.Member("mtu", FindUplinkMtu(request, host));

        // A network without a way out needs no route to it.
        foreach (string key in (ReadOnlySpan<string>)(root.FindBool("internal") == true ? ["isGateway"] : ["isDefaultGateway", "ipMasq"]))
        {
            writer.Key(key);
            writer.Boolean(true);
        }

        if (!root.Has("isolation") && host.Settings.Isolation is null)
        {
            writer.Member("isolation", "full");
        }

        writer.Key("ipam");
        writer.BeginObject();
        writer.Member("type", "host-local");
        if (root.FindBool("ipv6") is bool ipv6)
        {
            writer.Key("ipv6");
            writer.Boolean(ipv6);
        }

        writer.EndObject();
        writer.EndObject();
        return writer.ToBytes();
    }

    /// <summary>The MTU of the interface by which an address leaves that nobody has (TEST-NET-3, RFC 5737); only ADD makes anything of it.</summary>
    private static int? FindUplinkMtu(CniRequest request, Host host) =>
        request.Verb == CniVerb.Add && host.Route.FindOutput(System.Net.IPAddress.Parse("203.0.113.1")) is Link uplink && uplink.Mtu < 65536
            ? uplink.Mtu
            : null;

    /// <summary>Two objects without a common key become one.</summary>
    private static byte[] Join(ReadOnlySpan<byte> defaults, string given)
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(given);
        int rest = Array.IndexOf(text, (byte)'{') + 1;
        bool empty = text.AsSpan(rest).TrimStart(" \t\r\n"u8)[0] == (byte)'}';
        return [.. defaults[..^1], .. empty ? ""u8 : ","u8, .. text.AsSpan(rest)];
    }
}
