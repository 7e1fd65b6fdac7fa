using System.Net;
using CniPlugins.Linux;

namespace CniPlugins.Ipam;

/// <summary>
/// The leases of one network in the reference <c>host-local</c>'s own form, so that both may work in one directory, under one lock:
/// a file per address, whose name is the address and whose content is the owner. The index beside it (in <c>.index</c>, which cannot
/// be a network's name) makes every call cost the same, however many leases there are.
/// </summary>
public sealed class LeaseStore : IDisposable
{
    private const string LockName = "lock";
    private const string IndexDirectory = ".index";
    private const uint DirectoryMode = 0x1ED /* 0755 */;
    private const uint IndexMode = 0x1C0 /* 0700 */;

    private readonly StateDirectory _root;
    private readonly string _network;
    private readonly LeaseStoreOptions _options;

    private LeaseStore(StateDirectory root, string network, LeaseStoreOptions options)
    {
        _root = root;
        _network = network;
        _options = options;
    }

    /// <summary>Opens a network's store, which is made if it is not there.</summary>
    /// <param name="dataDirectory">Where the stores of all networks are; null or empty for the reference's place.</param>
    /// <param name="network">The network's name.</param>
    /// <param name="options">The world around it; null for the real one.</param>
    /// <exception cref="IpamConfigException">The name cannot be a network's.</exception>
    /// <exception cref="LinuxException">The directory cannot be made or opened.</exception>
    public static LeaseStore Ensure(string? dataDirectory, string network, LeaseStoreOptions? options = null)
    {
        NetworkName.Validate(network);
        StateDirectory root = StateDirectory.Ensure(PathOf(dataDirectory));
        try
        {
            root.EnsureDirectory(network, DirectoryMode).Dispose();
            return new LeaseStore(root, network, options ?? new LeaseStoreOptions());
        }
        catch
        {
            root.Dispose();
            throw;
        }
    }

    /// <summary>Opens a network's store; null when it has none. Nothing is made: this is for DEL, CHECK and GC.</summary>
    /// <exception cref="IpamConfigException">The name cannot be a network's.</exception>
    /// <exception cref="LinuxException">The directory is there and cannot be opened.</exception>
    public static LeaseStore? Find(string? dataDirectory, string network, LeaseStoreOptions? options = null)
    {
        NetworkName.Validate(network);
        StateDirectory? root = StateDirectory.Find(PathOf(dataDirectory));
        try
        {
            using StateDirectory? leases = root?.FindDirectory(network);
            if (leases is not null)
            {
                return new LeaseStore(root!, network, options ?? new LeaseStoreOptions());
            }
        }
        catch
        {
            root?.Dispose();
            throw;
        }

        root?.Dispose();
        return null;
    }

    /// <summary>
    /// The leased addresses of all networks, by the names of their files: whatever a network's subnet is, another may not hold these.
    /// </summary>
    /// <exception cref="LinuxException">A directory cannot be read.</exception>
    public static IReadOnlyList<IpPrefix> ListAddresses(string? dataDirectory)
    {
        List<IpPrefix> addresses = [];
        using StateDirectory? root = StateDirectory.Find(PathOf(dataDirectory));
        if (root is null)
        {
            return addresses;
        }

        DirectoryReader networks = root.List();
        while (networks.Read())
        {
            if (networks.Kind != FileKind.Directory || !NetworkName.IsValid(networks.Name))
            {
                continue;
            }

            using StateDirectory? leases = root.FindDirectory(networks.Name);
            if (leases is null)
            {
                continue;
            }

            DirectoryReader files = leases.List();
            while (files.Read())
            {
                if (AddressText.TryParseNumber(files.Name, out UInt128 address))
                {
                    addresses.Add(IpPrefix.Of(address, AddressMath.IsIPv4(address) ? 32 : 128));
                }
            }
        }

        return addresses;
    }

    /// <summary>The directory.</summary>
    public string Path => _root.Path + "/" + _network;

    /// <summary>Gives back all addresses of an owner and says how many. Having none is success.</summary>
    /// <exception cref="LinuxException">A lease file cannot be removed.</exception>
    public int Release(LeaseOwner owner)
    {
        LeaseText text = new(owner);
        using LeaseSession session = Begin();
        int released = Release(session, text.Bytes);

        // As the reference: the oldest form counts only where there is no newer one.
        released = released > 0 ? released : Release(session, text.Legacy);
        session.Commit();
        return released;
    }

    /// <summary>Whether an owner has all of these addresses; without any, whether it has one at all.</summary>
    public bool Holds(LeaseOwner owner, params IReadOnlyCollection<IPAddress> addresses)
    {
        LeaseText text = new(owner);
        using LeaseSession session = Begin();
        bool holds = addresses.Count > 0 || session.List(text.Bytes).Count > 0 || session.List(text.Legacy).Count > 0;
        foreach (IPAddress address in addresses)
        {
            holds &= session.Holds(text, AddressMath.ToNumber(address));
        }

        session.Commit();
        return holds;
    }

    /// <summary>All leases. What is not a lease (a name that is no address, a text that names nobody) is left out.</summary>
    public IReadOnlyList<(IPAddress Address, LeaseOwner Owner)> List()
    {
        using LeaseSession session = Begin();
        List<(IPAddress, LeaseOwner)> leases = [];
        foreach ((UInt128 address, _, LeaseOwner owner) in session.ListAll())
        {
            leases.Add((AddressMath.ToAddress(address), owner));
        }

        session.Commit();
        return leases;
    }

    /// <summary>
    /// Gives back every lease whose owner is not valid any more and says how many. A lease of the oldest form has no interface
    /// name: it is asked for with an empty one, and is valid if the container is. Files that name nobody are left alone.
    /// </summary>
    /// <exception cref="LinuxException">A lease file cannot be removed.</exception>
    public int Collect(Func<LeaseOwner, bool> isValid)
    {
        using LeaseSession session = Begin();
        int collected = 0;
        foreach ((UInt128 address, byte[] text, LeaseOwner owner) in session.ListAll())
        {
            if (!isValid(owner))
            {
                session.Release(text, address);
                collected++;
            }
        }

        session.Commit();
        return collected;
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();

    /// <summary>Takes the lock and opens the index.</summary>
    internal LeaseSession Begin()
    {
        while (true)
        {
            StateDirectory leases = _root.EnsureDirectory(_network, DirectoryMode);
            FileLock? held = null;
            try
            {
                held = leases.Lock(LockName);
                if (leases.GetStatus().Links > 0)
                {
                    return new LeaseSession(leases, held, LeaseIndex.Open(leases, FindHome(), _network, _options));
                }
            }
            catch
            {
                held?.Dispose();
                leases.Dispose();
                throw;
            }

            // The network was removed while this waited: what is locked is no longer what the name stands for.
            held.Dispose();
            leases.Dispose();
        }
    }

    private static int Release(LeaseSession session, ReadOnlySpan<byte> owner)
    {
        List<UInt128> addresses = session.List(owner);
        foreach (UInt128 address in addresses)
        {
            session.Release(owner, address);
        }

        return addresses.Count;
    }

    /// <summary>Where the index is kept; null where it cannot be.</summary>
    private StateDirectory? FindHome()
    {
        // Another host's changes to a shared file system need not show in the directory's times at once.
        if (!_root.IsLocal)
        {
            return null;
        }

        try
        {
            return _root.EnsureDirectory(IndexDirectory, IndexMode);
        }
        catch (LinuxException)
        {
            // Without a place for it all still works, at the reference's pace.
            return null;
        }
    }

    private static string PathOf(string? dataDirectory) =>
        string.IsNullOrEmpty(dataDirectory) ? LeaseStoreOptions.DefaultDataDirectory : dataDirectory;
}
