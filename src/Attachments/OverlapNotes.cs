using System.Net.Sockets;
using CniPlugins.Linux;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// Which kinds of host addresses ports are published on: a port of a named address overlaps one of every address, and the other way round, so where all
/// are of one kind, which is the rule, nothing has to be looked up. Each ADD notes its own kinds before it asks for the others.
/// </summary>
internal static class OverlapNotes
{
    /// <summary>Notes the kinds of these ports, and returns those that may overlap one that is published.</summary>
    /// <exception cref="LinuxException">The state directory cannot be written.</exception>
    public static IReadOnlyList<PublishedPort> Note(StateDirectory state, IReadOnlyList<PublishedPort> ports)
    {
        HashSet<(bool OnEvery, bool V6)> kinds = [];
        foreach (PublishedPort port in ports)
        {
            kinds.Add((port.OnEveryAddress, IsV6(port)));
        }

        foreach ((bool onEvery, bool v6) in kinds)
        {
            HostNotes.Add(state, Name(onEvery, v6));
        }

        HashSet<(bool OnEvery, bool V6)> overlapping = [];
        foreach ((bool onEvery, bool v6) in kinds)
        {
            if (HostNotes.Has(state, Name(!onEvery, v6)))
            {
                overlapping.Add((onEvery, v6));
            }
        }

        return overlapping.Count == 0 ? [] : [.. ports.Where(port => overlapping.Contains((port.OnEveryAddress, IsV6(port))))];
    }

    private static bool IsV6(PublishedPort port) => port.HostAddress.AddressFamily == AddressFamily.InterNetworkV6;

    private static string Name(bool onEvery, bool v6) => $"ports on {(onEvery ? "every" : "a named")} address, IPv{(v6 ? 6 : 4)}";
}
