using System.Buffers.Binary;
using System.Text;
using CniPlugins.Linux;

namespace CniPlugins.Ipam;

/// <summary>
/// Which subnets were chosen for which network: one file for each, one prefix to a line. It outlives reboots and power cuts, so a network
/// keeps its subnet until it is removed.
/// </summary>
public sealed class SubnetStore : IDisposable
{
    /// <summary>Where it is unless configured otherwise.</summary>
    public const string DefaultDirectory = "/var/lib/cni-plugins/subnets";

    private const string LockName = ".lock";
    private const string GlobalIdName = ".global-id";
    private const int SizeLimit = 4096;

    private readonly StateDirectory _directory;

    private SubnetStore(StateDirectory directory) => _directory = directory;

    /// <summary>Opens the store, which is made if it is not there.</summary>
    /// <exception cref="LinuxException">The directory cannot be made or opened.</exception>
    public static SubnetStore Ensure(string directory) => new(StateDirectory.Ensure(directory));

    /// <summary>Opens the store; null when there is none.</summary>
    /// <exception cref="LinuxException">The directory cannot be opened.</exception>
    public static SubnetStore? Find(string directory) => StateDirectory.Find(directory) is StateDirectory found ? new SubnetStore(found) : null;

    /// <summary>
    /// A network's subnets: those it has, or else those that the function chooses, given all that other networks have. The choice is
    /// on the disk when this returns, and no two networks choose at once.
    /// </summary>
    /// <exception cref="IpamConfigException">The name is no network's, or the store is damaged.</exception>
    /// <exception cref="LinuxException">The choice cannot be written.</exception>
    public IReadOnlyList<IpPrefix> EnsureSubnets(string network, Func<IReadOnlyList<IpPrefix>, IReadOnlyList<IpPrefix>> choose)
    {
        NetworkName.Validate(network);

        // Most calls find it: a file is in its place as a whole or not at all, so looking needs no lock.
        if (Read(network) is IReadOnlyList<IpPrefix> known)
        {
            return known;
        }

        using FileLock held = _directory.Lock(LockName);
        if (Read(network) is IReadOnlyList<IpPrefix> meanwhile)
        {
            return meanwhile;
        }

        List<IpPrefix> others = [];
        foreach ((_, IReadOnlyList<IpPrefix> subnets) in List())
        {
            others.AddRange(subnets);
        }

        IReadOnlyList<IpPrefix> chosen = choose(others);
        string text = string.Join('\n', chosen) + "\n";
        StateFile.Replace(_directory, network, Encoding.ASCII.GetBytes(text), durable: true).Dispose();
        return chosen;
    }

    /// <summary>A network's subnets; null when none were chosen for it.</summary>
    /// <exception cref="IpamConfigException">The name is no network's, or the store is damaged.</exception>
    public IReadOnlyList<IpPrefix>? FindSubnets(string network)
    {
        NetworkName.Validate(network);
        return Read(network);
    }

    /// <summary>All networks and their subnets.</summary>
    /// <exception cref="IpamConfigException">The store is damaged.</exception>
    public IReadOnlyList<(string Network, IReadOnlyList<IpPrefix> Subnets)> List()
    {
        List<(string, IReadOnlyList<IpPrefix>)> all = [];
        DirectoryReader entries = _directory.List();
        while (entries.Read())
        {
            if (entries.Kind == FileKind.Regular && NetworkName.IsValid(entries.Name) && Read(entries.Name) is IReadOnlyList<IpPrefix> subnets)
            {
                all.Add((entries.Name, subnets));
            }
        }

        return all;
    }

    /// <summary>Forgets a network's subnets, which another may get then. False when it had none.</summary>
    /// <exception cref="IpamConfigException">The name is no network's.</exception>
    public bool TryDelete(string network)
    {
        NetworkName.Validate(network);
        using FileLock held = _directory.Lock(LockName);
        return _directory.TryDelete(network);
    }

    /// <summary>The 40 random bits of this host's unique local addresses (RFC 4193), drawn once.</summary>
    /// <exception cref="LinuxException">They cannot be written.</exception>
    public ulong GetGlobalId()
    {
        if (FindGlobalId() is ulong known)
        {
            return known;
        }

        using FileLock held = _directory.Lock(LockName);
        if (FindGlobalId() is ulong meanwhile)
        {
            return meanwhile;
        }

        Span<byte> random = stackalloc byte[16];
        Guid.NewGuid().TryWriteBytes(random);
        ulong drawn = BinaryPrimitives.ReadUInt64BigEndian(random[8..]) & 0xFF_FFFF_FFFF;
        StateFile.Replace(_directory, GlobalIdName, Encoding.ASCII.GetBytes($"{drawn:x10}\n"), durable: true).Dispose();
        return drawn;
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();

    private ulong? FindGlobalId()
    {
        Span<byte> buffer = stackalloc byte[64];
        int? length = _directory.FindContent(GlobalIdName, buffer, out _);
        string text = length is null ? string.Empty : Encoding.ASCII.GetString(buffer[..length.Value]).Trim();
        return text.Length == 10 && ulong.TryParse(text, System.Globalization.NumberStyles.AllowHexSpecifier, null, out ulong id) ? id : null;
    }

    private List<IpPrefix>? Read(string network)
    {
        Span<byte> buffer = stackalloc byte[SizeLimit];
        int? length = _directory.FindContent(network, buffer, out _);
        if (length is null)
        {
            return null;
        }

        List<IpPrefix> subnets = [];
        foreach (ReadOnlySpan<char> line in Encoding.ASCII.GetString(buffer[..length.Value]).AsSpan().EnumerateLines())
        {
            ReadOnlySpan<char> text = line.Trim();
            if (text.IsEmpty)
            {
                continue;
            }

            // To choose another subnet would cut off the containers that live in this one.
            if (length == SizeLimit || !IpPrefix.TryParse(text, out IpPrefix subnet))
            {
                throw new IpamConfigException(
                    $"{_directory.Path}/{network} does not hold one subnet to a line; write there the subnets that network {network} uses, "
                    + "or delete the file if no container is on it");
            }

            subnets.Add(subnet);
        }

        return subnets.Count == 0 ? null : subnets;
    }
}
