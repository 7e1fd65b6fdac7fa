using System.Net;
using System.Net.Sockets;
using CniPlugins.Nftables;

namespace CniPlugins.Publishing;

/// <summary>Makes the elements that carry out one rule of policy each.</summary>
public static class PolicyElements
{
    /// <summary>A published port.</summary>
    public static RuleElement Published(PublishedPort port, string comment)
    {
        bool v6 = port.ContainerAddress.AddressFamily == AddressFamily.InterNetworkV6;
        NftKey key = new();
        if (!port.OnEveryAddress)
        {
            key.Add(port.HostAddress);
        }

        key.AddProtocol((byte)port.Protocol).AddPort(port.HostPort);
        NftSet map = port.OnEveryAddress
            ? (v6 ? Ruleset.PublishedAny6 : Ruleset.PublishedAny4)
            : (v6 ? Ruleset.Published6 : Ruleset.Published4);
        return new RuleElement(map.Name, new NftElement(key.ToArray())
        {
            Data = new NftKey().Add(port.ContainerAddress).AddPort(port.ContainerPort).ToArray(),
            Comment = comment,
        });
    }

    /// <summary>A published port, IPv4, is reached on 127.0.0.0/8 by translation of packets.</summary>
    public static RuleElement LoopbackTranslated(PublishedPort port, string comment)
    {
        RuleElement published = Published(port, comment);
        return published with { Set = (port.OnEveryAddress ? Ruleset.LoopbackAny4 : Ruleset.Loopback4).Name };
    }

    /// <summary>Whether an element makes a port be reached on 127.0.0.0/8 by translation of packets.</summary>
    public static bool IsLoopbackTranslation(RuleElement element) => element.Set == Ruleset.Loopback4.Name || element.Set == Ruleset.LoopbackAny4.Name;

    /// <summary>Whether an element is one that <see cref="Published"/> makes.</summary>
    public static bool IsPublished(RuleElement element) =>
        element.Set == Ruleset.Published4.Name || element.Set == Ruleset.Published6.Name
        || element.Set == Ruleset.PublishedAny4.Name || element.Set == Ruleset.PublishedAny6.Name;

    /// <summary>A container address leaves its network by the host's address.</summary>
    public static RuleElement Masqueraded(IPAddress address, string comment) =>
        new((IsV6(address) ? Ruleset.Masqueraded6 : Ruleset.Masqueraded4).Name, new NftElement(new NftKey().Add(address).ToArray())
        {
            Comment = comment,
        });

    /// <summary>A container address leaves its network by that address; both of one family.</summary>
    public static RuleElement Outbound(IPAddress address, IPAddress shown, string comment) =>
        new((IsV6(address) ? Ruleset.Outbound6 : Ruleset.Outbound4).Name, new NftElement(new NftKey().Add(address).ToArray())
        {
            Data = new NftKey().Add(shown).ToArray(),
            Comment = comment,
        });

    /// <summary>What comes for a container address from beyond its network is dropped before conntrack. Its <see cref="Network"/> must be there too.</summary>
    public static RuleElement Enclosed(IPAddress address, string comment) =>
        new((IsV6(address) ? Ruleset.Enclosed6 : Ruleset.Enclosed4).Name, new NftElement(new NftKey().Add(address).ToArray())
        {
            Comment = comment,
        });

    /// <summary>Whether an element says what one of the addresses shows outside.</summary>
    public static bool IsOutbound(RuleElement element, IReadOnlyList<IPAddress> addresses) =>
        (element.Set == Ruleset.Outbound4.Name || element.Set == Ruleset.Outbound6.Name)
        && addresses.Any(address => element.Element.Key.AsSpan().SequenceEqual(address.GetAddressBytes()));

    /// <summary>Whoever comes to the container by a published port shows this host's address.</summary>
    public static RuleElement MasqueradedPort(PublishedPort port, string comment) =>
        new((IsV6(port.ContainerAddress) ? Ruleset.MasqueradedPorts6 : Ruleset.MasqueradedPorts4).Name,
            new NftElement(new NftKey().Add(port.ContainerAddress).AddProtocol((byte)port.Protocol).AddPort(port.ContainerPort).ToArray())
            {
                Comment = comment,
            });

    /// <summary>A published port is not reached from these sources by these addresses of the host; all bounds inclusive and of the port's family.</summary>
    public static RuleElement Refused(
        PublishedPort port, (IPAddress First, IPAddress Last) sources, (IPAddress First, IPAddress Last) destinations, string comment)
    {
        byte[] Key(IPAddress source, IPAddress destination) =>
            new NftKey().Add(source).Add(destination).AddProtocol((byte)port.Protocol).AddPort(port.HostPort).ToArray();
        return new RuleElement(
            (IsV6(port.ContainerAddress) ? Ruleset.Refused6 : Ruleset.Refused4).Name,
            new NftElement(Key(sources.First, destinations.First)) { KeyEnd = Key(sources.Last, destinations.Last), Comment = comment });
    }

    /// <summary>Whether an element that <see cref="Refused"/> made refuses a port to who comes from an address by an address of the host.</summary>
    public static bool Refuses(RuleElement element, PublishedPort port, IPAddress source, IPAddress destination)
    {
        RuleElement asked = Refused(port, (source, source), (destination, destination), string.Empty);
        if (element.Set != asked.Set || element.Element.KeyEnd is not byte[] end)
        {
            return false;
        }

        // Field by field: a range of a concatenation is one of each of its fields.
        int address = source.AddressFamily == AddressFamily.InterNetwork ? 4 : 16;
        Span<int> fields = [0, address, 2 * address, (2 * address) + 4, (2 * address) + 8];
        for (int i = 0; i < 4; i++)
        {
            Range field = fields[i]..fields[i + 1];
            if (element.Element.Key.Length != end.Length || end.Length != asked.Element.Key.Length
                || asked.Element.Key.AsSpan()[field].SequenceCompareTo(element.Element.Key.AsSpan()[field]) < 0
                || asked.Element.Key.AsSpan()[field].SequenceCompareTo(end.AsSpan()[field]) > 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A subnet lives on a bridge: what comes from the one and leaves by the other stays within its network.</summary>
    /// <param name="subnet">The subnet.</param>
    /// <param name="bridge">The bridge, or whatever leads to the subnet.</param>
    /// <param name="owner">The comment of the one attachment that it is there for; null: several share it.</param>
    public static RuleElement Network(IPNetwork subnet, string bridge, string? owner = null) =>
        new((IsV6(subnet.BaseAddress) ? Ruleset.Networks6 : Ruleset.Networks4).Name,
            new NftElement(new NftKey().Add(subnet.BaseAddress).AddInterfaceName(bridge).ToArray())
            {
                KeyEnd = new NftKey().Add(LastAddress(subnet)).AddInterfaceName(bridge).ToArray(),
                Comment = owner ?? bridge,
            });

    /// <summary>Nobody outside opens a connection into the bridge; within it, everybody may.</summary>
    /// <param name="bridge">The bridge, or whatever leads to containers.</param>
    /// <param name="owner">The comment of the one attachment that it is there for; null: several share it.</param>
    public static IReadOnlyList<RuleElement> Isolated(string bridge, string? owner = null) =>
        [Named(Ruleset.Isolated, owner ?? bridge, bridge), Named(Ruleset.Inside, owner ?? bridge, bridge, bridge)];

    /// <summary>Nobody outside opens a connection into the bridge, and nobody within it to another there.</summary>
    /// <inheritdoc cref="Isolated"/>
    public static IReadOnlyList<RuleElement> IsolatedWithin(string bridge, string? owner = null) =>
        [Named(Ruleset.Isolated, owner ?? bridge, bridge), Named(Ruleset.Apart, owner ?? bridge, bridge, bridge)];

    /// <summary>Nobody within the bridge opens a connection to another there, by way of this host. The bridge's ports see to the rest.</summary>
    public static RuleElement Apart(string bridge) => Named(Ruleset.Apart, bridge, bridge, bridge);

    /// <summary>Nobody within the bridge opens a connection beyond this host. It must be <see cref="Isolated"/> too.</summary>
    public static RuleElement Internal(string bridge) => Named(Ruleset.Internal, bridge, bridge);

    private static RuleElement Named(NftSet set, string comment, params ReadOnlySpan<string> interfaces)
    {
        NftKey key = new();
        foreach (string name in interfaces)
        {
            key.AddInterfaceName(name);
        }

        return new RuleElement(set.Name, new NftElement(key.ToArray()) { Comment = comment });
    }

    private static bool IsV6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    private static IPAddress LastAddress(IPNetwork subnet)
    {
        byte[] bytes = subnet.BaseAddress.GetAddressBytes();
        for (int bit = subnet.PrefixLength; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }

        return new IPAddress(bytes);
    }
}
