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
    /// <exception cref="CniException">A wrong type (6), ranges that are wrong, do not fit together or are missing (7).</exception>
    internal static AddressPlan Read(ConfigObject ipam, ConfigObject? runtimeConfig)
    {
        List<RangeSet> sets = [];
        AddSets(runtimeConfig, "ipRanges", sets);
        if (ipam.FindString("subnet") is not null)
        {
            sets.Add(Name(ipam.Path, () => new RangeSet(ReadRange(ipam))));
        }

        AddSets(ipam, "ranges", sets);
        return Name(ipam.Path, () => new AddressPlan(sets));
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

    /// <summary>Says of a wrong range where it stands.</summary>
    private static T Name<T>(string path, Func<T> read)
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
}
