using CniPlugins.Cni;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Plugins.Bridge;

/// <summary>The key <c>vlanTrunk</c>: entries of <c>id</c>, of <c>minID</c> and <c>maxID</c>, or of both.</summary>
internal static class VlanTrunk
{
    private const int Highest = 4094;

    /// <summary>Reads the list; null when it is absent. An empty list is a trunk without VLANs.</summary>
    /// <exception cref="CniException">An entry is wrong (7).</exception>
    public static IReadOnlyList<VlanRange>? Read(ConfigObject config)
    {
        if (config.FindObjects("vlanTrunk") is not IReadOnlyList<ConfigObject> entries)
        {
            return null;
        }

        SortedSet<ushort> ids = [];
        foreach (ConfigObject entry in entries)
        {
            AddRange(entry, ids);
            if (entry.FindInt32("id", 1, Highest) is int id)
            {
                ids.Add((ushort)id);
            }
        }

        return Join(ids);
    }

    private static void AddRange(ConfigObject entry, SortedSet<ushort> ids)
    {
        int? first = entry.FindInt32("minID", 1, Highest);
        int? last = entry.FindInt32("maxID", 1, Highest);
        if (first is null != last is null)
        {
            throw new CniException(CniErrorCode.InvalidConfig, $"{entry.Path} has minID or maxID alone: a range needs both");
        }

        if (first > last)
        {
            throw new CniException(CniErrorCode.InvalidConfig, $"{entry.Path}: minID {first} is greater than maxID {last}");
        }

        for (int id = first ?? 1; id <= (last ?? 0); id++)
        {
            ids.Add((ushort)id);
        }
    }

    /// <summary>One request per run of numbers, instead of one per number.</summary>
    private static List<VlanRange> Join(SortedSet<ushort> ids)
    {
        List<VlanRange> ranges = [];
        foreach (ushort id in ids)
        {
            if (ranges.Count > 0 && ranges[^1].Last == id - 1)
            {
                ranges[^1] = ranges[^1] with { Last = id };
            }
            else
            {
                ranges.Add(new VlanRange(id, id));
            }
        }

        return ranges;
    }
}
