using System.Buffers.Binary;
using System.Text;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Publishing;

namespace CniPlugins.Attachments;

/// <summary>
/// What attachments of a bridge share, and so none of them owns: below the state directory, <c>bridges/BRIDGE/</c> with one file for each thing, so
/// that ADDs at the same time need not agree on one file's content. <c>networks/</c> names the networks that use the bridge; when the
/// last is gone, the rest is undone.
/// </summary>
public sealed class BridgeState : IDisposable
{
    private const int LargestFile = 4096;

    private readonly StateDirectory _directory;

    private BridgeState(StateDirectory directory, string bridge)
    {
        _directory = directory;
        Bridge = bridge;
    }

    /// <summary>The bridge's name.</summary>
    public string Bridge { get; }

    /// <summary>Opens what is known of a bridge, which is begun if there is nothing.</summary>
    /// <exception cref="LinuxException">It cannot be made or opened.</exception>
    internal static BridgeState Ensure(StateDirectory root, string bridge)
    {
        using StateDirectory bridges = root.EnsureDirectory("bridges", 0x1C0 /* 0700 */);
        return new BridgeState(bridges.EnsureDirectory(bridge, 0x1C0 /* 0700 */), bridge);
    }

    /// <summary>The bridges of which something is known.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    internal static IReadOnlyList<string> List(StateDirectory root)
    {
        using StateDirectory? bridges = root.FindDirectory("bridges");
        return bridges is null ? [] : bridges.ListNames();
    }

    /// <summary>Forgets all of it.</summary>
    /// <exception cref="LinuxException">Something may not be removed.</exception>
    internal static void Delete(StateDirectory root, string bridge)
    {
        using StateDirectory? bridges = root.FindDirectory("bridges");
        using StateDirectory? directory = bridges?.FindDirectory(bridge);
        if (directory is null)
        {
            return;
        }

        foreach (string group in directory.ListNames())
        {
            if (directory.FindStatus(group) is { Kind: FileKind.Directory })
            {
                using StateDirectory files = directory.EnsureDirectory(group, 0x1C0 /* 0700 */);
                foreach (string file in files.ListNames())
                {
                    files.TryDelete(file);
                }

                directory.TryDeleteDirectory(group);
            }
            else
            {
                directory.TryDelete(group);
            }
        }

        bridges!.TryDeleteDirectory(bridge);
    }

    /// <summary>
    /// The link-layer address of an interface that we make for the host: unicast and locally administered; it follows from the name and the boot, so
    /// that after a crash we know again what is ours.
    /// </summary>
    public static MacAddress DeriveMac(string interfaceName)
    {
        byte[] hash = Convert.FromHexString(AttachmentNames.Hash($"{interfaceName}\0{BootId.Current}"));
        hash[0] = (byte)((hash[0] & 0xfc) | 0x02);
        return MacAddress.FromBytes(hash);
    }

    /// <summary>Notes that a network uses the bridge.</summary>
    /// <exception cref="LinuxException">It cannot be written.</exception>
    public void AddNetwork(string network) => Add("networks", network, []);

    /// <summary>The networks that use the bridge.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public IReadOnlyList<string> ListNetworks() => ListNames("networks");

    /// <summary>Notes that a network uses the bridge no more; true when no other does.</summary>
    /// <exception cref="LinuxException">It may not be removed.</exception>
    public bool RemoveNetwork(string network)
    {
        using StateDirectory? networks = _directory.FindDirectory("networks");
        networks?.TryDelete(network);
        return networks is null || networks.ListNames().Count == 0;
    }

    /// <summary>Notes that we make an interface (the bridge itself, a VLAN's pair), before it is made. Its address tells at the end whether it is ours.</summary>
    /// <exception cref="LinuxException">It cannot be written.</exception>
    public void AddLink(string name) => Add("links", name, []);

    /// <summary>The interfaces that we made, or were about to make.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public IReadOnlyList<string> ListLinks() => ListNames("links");

    /// <summary>
    /// The group of an interface that cannot have an address of its own, to know it by: 30 bits, beyond the numbers that people give. An alias would
    /// say it more plainly, but cannot be given at birth.
    /// </summary>
    public static uint DeriveGroup(string interfaceName)
    {
        byte[] hash = Convert.FromHexString(AttachmentNames.Hash($"{interfaceName}\0{BootId.Current}"));
        return (BinaryPrimitives.ReadUInt32BigEndian(hash) & 0x3fffffff) | 0x40000000;
    }

    /// <summary>Whether we made an interface.</summary>
    public static bool IsOurs(Link link) => link.Mac == DeriveMac(link.Name) || link.Group == DeriveGroup(link.Name);

    /// <summary>Notes that route_localnet was switched on for an interface and was off before.</summary>
    /// <exception cref="LinuxException">It cannot be written.</exception>
    public void AddLocalnet(string device) => Add("localnet", device, []);

    /// <summary>The interfaces for which route_localnet was switched on.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public IReadOnlyList<string> ListLocalnet() => ListNames("localnet");

    /// <summary>Notes that iptables was told to let through what comes by an interface, or goes there, after the administrator's chain was asked.</summary>
    /// <exception cref="LinuxException">It cannot be written.</exception>
    public void AddForwarded(string device, string adminChain) => Add("forwarded", device, Encoding.UTF8.GetBytes(adminChain));

    /// <summary>The interfaces that iptables was told of, and the administrator's chain.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public IReadOnlyList<(string Device, string AdminChain)> ListForwarded() =>
        [.. Contents("forwarded").Select(static note => (note.Name, Encoding.UTF8.GetString(note.Content)))];

    /// <summary>Notes an address that we gave to an interface of the host: <c>DEVICE ADDRESS/LENGTH</c>.</summary>
    /// <exception cref="LinuxException">It cannot be written.</exception>
    public void AddAddress(string device, string address) =>
        Add("addresses", AttachmentNames.Hash($"{device} {address}"), Encoding.UTF8.GetBytes($"{device} {address}"));

    /// <summary>The addresses that we gave, with their interfaces.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public IReadOnlyList<(string Device, string Address)> ListAddresses()
    {
        List<(string, string)> addresses = [];
        foreach ((_, byte[] content) in Contents("addresses"))
        {
            string[] parts = Encoding.UTF8.GetString(content).Split(' ');
            if (parts.Length == 2)
            {
                addresses.Add((parts[0], parts[1]));
            }
        }

        return addresses;
    }

    /// <summary>Notes nftables elements that attachments of the bridge share.</summary>
    /// <exception cref="LinuxException">They cannot be written.</exception>
    public void AddElements(IReadOnlyList<RuleElement> elements)
    {
        foreach (RuleElement element in elements)
        {
            Add("elements", AttachmentNames.Hash(element.Set + Convert.ToHexString(element.Element.Key)), RecordText.Write(element));
        }
    }

    /// <summary>The shared nftables elements.</summary>
    /// <exception cref="LinuxException">The directory cannot be read.</exception>
    public IReadOnlyList<RuleElement> ListElements()
    {
        List<RuleElement> elements = [];
        foreach ((_, byte[] content) in Contents("elements"))
        {
            if (RecordText.TryReadElement(content) is RuleElement element)
            {
                elements.Add(element);
            }
        }

        return elements;
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();

    private IReadOnlyList<string> ListNames(string group)
    {
        using StateDirectory? directory = _directory.FindDirectory(group);
        return directory is null ? [] : directory.ListNames();
    }

    private void Add(string group, string name, byte[] content)
    {
        using StateDirectory directory = _directory.EnsureDirectory(group, 0x1C0 /* 0700 */);
        StateFiles.TryCreate(directory, name, content);
    }

    private List<(string Name, byte[] Content)> Contents(string group)
    {
        List<(string, byte[])> contents = [];
        using StateDirectory? directory = _directory.FindDirectory(group);
        if (directory is null)
        {
            return contents;
        }

        byte[] buffer = new byte[LargestFile];
        foreach (string name in directory.ListNames())
        {
            if (directory.FindContent(name, buffer, out _) is int length)
            {
                contents.Add((name, buffer[..length]));
            }
        }

        return contents;
    }
}
