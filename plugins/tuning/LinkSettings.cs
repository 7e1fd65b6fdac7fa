using System.Globalization;
using CniPlugins.Attachments;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Plugins.Tuning;

/// <summary>Settings of an interface; what is null is left alone.</summary>
public sealed record LinkSettings
{
    /// <summary>Link-layer address.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>Whether it takes every frame.</summary>
    public bool? Promiscuous { get; init; }

    /// <summary>Largest packet, bytes.</summary>
    public int? Mtu { get; init; }

    /// <summary>Whether it takes every multicast frame.</summary>
    public bool? AllMulticast { get; init; }

    /// <summary>Packets that may wait to be sent.</summary>
    public uint? TxQueueLength { get; init; }

    /// <summary>Whether all is left alone.</summary>
    public bool IsEmpty => this == new LinkSettings();

    /// <summary>What the interface has now, of those that are set here.</summary>
    public LinkSettings Of(Link link) => new()
    {
        Mac = Mac is null ? null : link.Mac,
        Promiscuous = Promiscuous is null ? null : link.IsPromiscuous,
        Mtu = Mtu is null ? null : link.Mtu,
        AllMulticast = AllMulticast is null ? null : link.IsAllMulticast,
        TxQueueLength = TxQueueLength is null ? null : link.TxQueueLength,
    };

    /// <summary>Gives them to the interface, those alone that it has not.</summary>
    /// <exception cref="NetlinkException">The kernel refused one.</exception>
    public void Apply(RouteConnection route, Link link)
    {
        if (Mac is MacAddress mac && link.Mac != mac)
        {
            route.SetMac(link.Index, mac);
        }

        if (Promiscuous is bool promiscuous && link.IsPromiscuous != promiscuous)
        {
            route.SetPromiscuous(link.Index, promiscuous);
        }

        if (Mtu is int mtu && link.Mtu != mtu)
        {
            route.SetMtu(link.Index, mtu);
        }

        if (AllMulticast is bool all && link.IsAllMulticast != all)
        {
            route.SetAllMulticast(link.Index, all);
        }

        if (TxQueueLength is uint length && link.TxQueueLength != length)
        {
            route.SetTxQueueLength(link.Index, length);
        }
    }

    /// <summary>Each of them alone, so that one that is refused does not keep the others back.</summary>
    public IReadOnlyList<LinkSettings> Apart() =>
    [
        new LinkSettings { Mac = Mac },
        new LinkSettings { Promiscuous = Promiscuous },
        new LinkSettings { Mtu = Mtu },
        new LinkSettings { AllMulticast = AllMulticast },
        new LinkSettings { TxQueueLength = TxQueueLength },
    ];

    /// <summary>CHECK: the interface has them.</summary>
    /// <exception cref="Cni.CniException">It has another (100).</exception>
    public void Check(Link link)
    {
        Compare(link, "the address", Mac, link.Mac);
        Compare(link, "promiscuous mode", Promiscuous, link.IsPromiscuous);
        Compare(link, "the MTU", Mtu, link.Mtu);
        Compare(link, "all-multicast mode", AllMulticast, link.IsAllMulticast);
        Compare(link, "the transmit queue length", TxQueueLength, link.TxQueueLength);
    }

    /// <summary>As values of a record, under the reference's keys.</summary>
    public void Save(Dictionary<string, string> values)
    {
        foreach ((string key, object? value) in ((string, object?)[])
            [("mac", Mac), ("promisc", Promiscuous), ("mtu", Mtu), ("allmulti", AllMulticast), ("txQLen", TxQueueLength)])
        {
            if (value is not null)
            {
                values[key] = Convert.ToString(value, CultureInfo.InvariantCulture)!;
            }
        }
    }

    /// <summary>From values of a record; what is none is left out.</summary>
    public static LinkSettings Read(IReadOnlyDictionary<string, string> values) => new()
    {
        Mac = MacAddress.TryParse(values.GetValueOrDefault("mac", string.Empty), out MacAddress mac) ? mac : null,
        Promiscuous = bool.TryParse(values.GetValueOrDefault("promisc"), out bool promiscuous) ? promiscuous : null,
        Mtu = int.TryParse(values.GetValueOrDefault("mtu"), CultureInfo.InvariantCulture, out int mtu) ? mtu : null,
        AllMulticast = bool.TryParse(values.GetValueOrDefault("allmulti"), out bool all) ? all : null,
        TxQueueLength = uint.TryParse(values.GetValueOrDefault("txQLen"), CultureInfo.InvariantCulture, out uint length) ? length : null,
    };

    private static void Compare<T>(Link link, string what, T? wanted, T? found)
        where T : struct
    {
        if (wanted is T value && !value.Equals(found))
        {
            throw PrevResultCheck.Differs($"{what} of {link.Name} in the container is {found}, not {wanted}");
        }
    }
}
