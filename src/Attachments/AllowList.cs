using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Ipam;

namespace CniPlugins.Attachments;

/// <summary>The key <c>allow</c> of an entry of portMappings: who reaches that port.</summary>
internal static class AllowList
{
    private const int Most = 1000;   // the kernel's time to take them out again grows with the square

    /// <summary>Reads addresses and prefixes: the conditions for both families, of which one without any lets nobody in. None when the key is absent.</summary>
    /// <exception cref="CniException">An item is wrong, or there is none (7).</exception>
    public static IReadOnlyList<PublishConditions> Read(ConfigObject entry)
    {
        if (entry.FindStrings("allow") is not IReadOnlyList<string> texts)
        {
            return [];
        }

        if (texts.Count == 0)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"{entry.PathOf("allow")} is an empty list: name an address or a subnet that may come, or leave the key out for everybody");
        }

        if (texts.Count > Most)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig, $"{entry.PathOf("allow")} has {texts.Count} entries: name at most {Most}, larger subnets perhaps");
        }

        List<AddressSpan> v4 = [];
        List<AddressSpan> v6 = [];
        foreach (string text in texts)
        {
            // Not first-last, which a span may be written as elsewhere.
            if (text.Contains('-', StringComparison.Ordinal) || !AddressSpan.TryParse(text, out AddressSpan span))
            {
                throw new CniException(
                    CniErrorCode.InvalidConfig, $"{entry.PathOf("allow")} has \"{text}\": write an address such as \"192.0.2.1\", or a subnet such as \"10.0.0.0/8\"");
            }

            (span.IsIPv4 ? v4 : v6).Add(span);
        }

        return [new PublishConditions(AddressFamily.InterNetwork, v4, null), new PublishConditions(AddressFamily.InterNetworkV6, v6, null)];
    }
}
