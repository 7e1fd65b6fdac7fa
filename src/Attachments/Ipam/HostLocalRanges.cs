using System.Net;
using CniPlugins.Cni;
using CniPlugins.Ipam;

namespace CniPlugins.Attachments;

/// <summary>
/// The ranges of a <c>host-local</c> configuration, in the three places where they may stand. The reference puts the old single range
/// before <c>ranges</c>, and what the runtime gives before both; the order is that of a container's addresses.
/// </summary>
internal static class HostLocalRanges
{
    /// <summary>The ranges; null when the configuration says nothing of them.</summary>
    /// <exception cref="CniException">A wrong type (6), ranges that are wrong, do not fit together or are an empty list (7).</exception>
    internal static AddressPlan? Find(ConfigObject ipam, ConfigObject? runtimeConfig)
    {
        if (!ipam.Has("subnet") && !ipam.Has("ranges") && runtimeConfig?.Has("ipRanges") != true)
        {
            RequireNone(ipam, "rangeStart");
            RequireNone(ipam, "rangeEnd");
            RequireNone(ipam, "gateway");
            return null;
        }

        List<RangeSet> sets = [];
        AddSets(runtimeConfig, "ipRanges", sets);
        if (ipam.FindString("subnet") is not null)
        {
            sets.Add(Name(ipam.Path, () => new RangeSet(ReadRange(ipam))));
        }

        AddSets(ipam, "ranges", sets);
        return Name(ipam.Path, () => new AddressPlan(sets));
    }

    /// <summary>A list of addresses, prefixes and ranges; none when the key is absent.</summary>
    /// <exception cref="CniException">A wrong type (6), or an item that is none of these (7).</exception>
    internal static IReadOnlyList<AddressSpan> ReadSpans(ConfigObject ipam, string key)
    {
        List<AddressSpan> spans = [];
        foreach (string text in ipam.FindStrings(key) ?? [])
        {
            spans.Add(AddressSpan.TryParse(text, out AddressSpan span) ? span : throw new CniException(
                CniErrorCode.InvalidConfig, $"{ipam.PathOf(key)}: \"{text}\" is none of 10.1.0.5, 10.1.0.0/28 and 10.1.0.5-10.1.0.9"));
        }

        return spans;
    }

    /// <summary>Says of a wrong range where it stands.</summary>
    internal static T Name<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (IpamConfigException e)
        {
            throw new CniException(CniErrorCode.InvalidConfig, $"{path}: {e.Message}", inner: e);
        }
    }

    /// <summary>A part of a subnet that is to be chosen by itself cannot be named: a subnet was forgotten.</summary>
    private static void RequireNone(ConfigObject ipam, string key)
    {
        if (ipam.FindString(key) is { Length: > 0 } text)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig,
                $"{ipam.PathOf(key)} is {text}, and there is no subnet: set subnet or ranges, or leave out {key} too, and the network gets a subnet by itself");
        }
    }

    private static void AddSets(ConfigObject? from, string key, List<RangeSet> sets)
    {
        ConfigArray? outer = from?.FindArray(key);
        for (int index = 0; index < (outer?.Count ?? 0); index++)
        {
            ConfigArray inner = outer!.GetArray(index);
            List<AddressRange> ranges = [];
            foreach (ConfigObject range in inner.GetObjects())
            {
                ranges.Add(Name(range.Path, () => ReadRange(range)));
            }

            sets.Add(Name(inner.Path, () => new RangeSet(ranges)));
        }
    }

    private static AddressRange ReadRange(ConfigObject range)
    {
        string text = range.GetString("subnet");
        return IpPrefix.TryParse(text, out IpPrefix subnet)
            ? new AddressRange(subnet, FindAddress(range, "rangeStart"), FindAddress(range, "rangeEnd"), FindAddress(range, "gateway"))
            : throw new CniException(
                CniErrorCode.InvalidConfig, $"{range.PathOf("subnet")}: \"{text}\" is not a subnet such as 10.1.0.0/16");
    }

    // The reference takes an empty text for absence.
    private static IPAddress? FindAddress(ConfigObject range, string key) => range.FindString(key) is not { Length: > 0 } text
        ? null
        : AddressText.TryParse(text, out IPAddress address) ? address
        : throw new CniException(CniErrorCode.InvalidConfig, $"{range.PathOf(key)}: \"{text}\" is not an address such as 10.1.0.5");
}
