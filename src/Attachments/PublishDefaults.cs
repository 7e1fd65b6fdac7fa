using System.Net;
using CniPlugins.Cni;
using CniPlugins.Ipam;

namespace CniPlugins.Attachments;

/// <summary>The key <c>publish.defaultHostIP</c>, in the host-wide file and in a network's configuration.</summary>
public static class PublishDefaults
{
    /// <summary>Reads <c>defaultHostIP</c>, an address or a list of addresses; null when it is absent.</summary>
    /// <exception cref="CniException">Not an IP address (7).</exception>
    public static IReadOnlyList<IPAddress>? Read(ConfigObject? publish)
    {
        if (publish is null || !publish.Has("defaultHostIP"))
        {
            return null;
        }

        IReadOnlyList<string> texts = publish.IsArray("defaultHostIP")
            ? publish.FindStrings("defaultHostIP")!
            : [publish.FindString("defaultHostIP")!];
        List<IPAddress> addresses = [];
        foreach (string text in texts)
        {
            addresses.Add(AddressText.TryParse(text, out IPAddress address) ? address : throw new CniException(
                CniErrorCode.InvalidConfig, $"{publish.PathOf("defaultHostIP")} is \"{text}\": set it to an IP address such as \"127.0.0.1\""));
        }

        return addresses.Count > 0 ? addresses : throw new CniException(
            CniErrorCode.InvalidConfig, $"{publish.PathOf("defaultHostIP")} is an empty list: name at least one address");
    }
}
