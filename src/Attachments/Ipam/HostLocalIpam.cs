using System.Globalization;
using System.Net;
using CniPlugins.Cni;
using CniPlugins.Ipam;
using CniPlugins.Linux;

namespace CniPlugins.Attachments;

/// <summary>
/// Addresses of this host's own pools in this process: what the reference <c>host-local</c> does, with the same configuration, the same
/// results and the same files. The caller has checked CNI_ARGS for keys that nobody knows; here only <c>IP</c> is read.
/// </summary>
public sealed class HostLocalIpam : IIpam
{
    /// <summary>The value of <c>ipam.type</c>.</summary>
    public const string Type = "host-local";

    private readonly HostSettings _settings;

    /// <summary>Takes the host-wide defaults.</summary>
    public HostLocalIpam(HostSettings settings) => _settings = settings;

    /// <inheritdoc/>
    public AddResult Add(CniRequest request)
    {
        HostLocalConfig config = HostLocalConfig.Read(request, _settings);
        DnsSettings dns = config.ResolvConfPath is null ? new DnsSettings() : ReadResolvConf(config.ResolvConfPath);
        return Translate(() =>
        {
            using LeaseStore store = LeaseStore.Ensure(config.DataDirectory, request.Config.Name);
            AddressAllocator allocator = new(config.Plan, store);
            List<ResultIp> ips = [];
            foreach (Lease lease in allocator.Allocate(OwnerOf(request), config.Requested))
            {
                ips.Add(new ResultIp(lease.Address, lease.PrefixLength, lease.Gateway));
            }

            return new AddResult { Ips = ips, Routes = config.Routes, Dns = dns };
        });
    }

    /// <inheritdoc/>
    public void Delete(CniRequest request) => Translate(() =>
    {
        // Neither the ranges nor anything else is read: whatever became of the configuration, what is leased goes back.
        using LeaseStore? store = FindStore(request);
        store?.Release(OwnerOf(request));
        return true;
    });

    /// <inheritdoc/>
    public void Check(CniRequest request)
    {
        HostLocalConfig config = HostLocalConfig.Read(request, _settings);
        bool holds = Translate(() =>
        {
            using LeaseStore? store = FindStore(request);
            return store?.Holds(OwnerOf(request), ListOwn(config, request.Config.PrevResult)) ?? false;
        });
        if (!holds)
        {
            throw new CniException(
                CniErrorCode.NotAsAdded,
                $"the addresses of container {request.Attachment.ContainerId}, interface {request.Attachment.IfName}, are not leased to it "
                + $"in {config.DataDirectory}/{request.Config.Name}: delete (DEL) and add (ADD) it again");
        }
    }

    /// <inheritdoc/>
    public void Status(CniRequest request)
    {
        HostLocalConfig config = HostLocalConfig.Read(request, _settings);
        IReadOnlyList<PoolUse> uses;
        try
        {
            using LeaseStore? store = FindStore(request);
            uses = store is null ? [] : new AddressAllocator(config.Plan, store).GetUse();
        }
        catch (LinuxException e)
        {
            throw new CniException(
                CniErrorCode.PluginNotAvailable,
                $"the leases in {config.DataDirectory}/{request.Config.Name} cannot be used: {e.Message}",
                inner: e);
        }

        foreach (PoolUse use in uses)
        {
            if (use.Free == 0)
            {
                throw new CniException(
                    CniErrorCode.PluginNotAvailable,
                    $"range set {use.SetIndex} ({use.Ranges}) has no free address: remove containers, or give the network a larger range",
                    string.Join("; ", Describe(uses)));
            }
        }
    }

    /// <inheritdoc/>
    public void Gc(CniRequest request)
    {
        HashSet<LeaseOwner> valid = [];
        foreach ((string containerId, string ifName) in request.ValidAttachments)
        {
            valid.Add(new LeaseOwner(containerId, ifName));

            // The oldest releases wrote no interface name: such a lease is valid as long as its container is.
            valid.Add(new LeaseOwner(containerId, ""));
        }

        Translate(() =>
        {
            using LeaseStore? store = FindStore(request);
            return store?.Collect(valid.Contains);
        });
    }

    private static LeaseOwner OwnerOf(CniRequest request) => new(request.Attachment.ContainerId, request.Attachment.IfName);

    private LeaseStore? FindStore(CniRequest request) =>
        LeaseStore.Find(HostLocalConfig.ReadDataDirectory(request.Config, _settings), request.Config.Name);

    /// <summary>
    /// The addresses of the result that come from these ranges: other plugins of the list may have added theirs, and the ranges may have
    /// changed since. None: that the container has any lease is all that can be said.
    /// </summary>
    private static List<IPAddress> ListOwn(HostLocalConfig config, AddResult? result)
    {
        List<IPAddress> own = [];
        foreach (ResultIp ip in result?.Ips ?? [])
        {
            foreach (RangeSet set in config.Plan.Sets)
            {
                if (set.Contains(ip.Address))
                {
                    own.Add(ip.Address);
                }
            }
        }

        return own;
    }

    private static DnsSettings ReadResolvConf(string path)
    {
        try
        {
            ResolvConf file = ResolvConf.Read(path);
            return new DnsSettings
            {
                Nameservers = file.Nameservers,
                Domain = file.Domain,
                Search = file.Search,
                Options = file.Options,
            };
        }
        catch (Exception e) when (e is LinuxException or IpamConfigException)
        {
            throw new CniException(
                CniErrorCode.InvalidConfig,
                $"ipam.resolvConf \"{path}\" cannot be read: name a resolv.conf(5), or leave the key out",
                e.Message,
                e);
        }
    }

    private static T Translate<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (PoolExhaustedException e)
        {
            throw new CniException(CniErrorCode.TryAgainLater, e.Message, Describe([e.Use])[0], e);
        }
        catch (LeaseExistsException e)
        {
            // A DEL is all it takes: the specification's "transient condition that should be cleaned up".
            throw new CniException(CniErrorCode.TryAgainLater, e.Message, inner: e);
        }
        catch (AddressUnavailableException e)
        {
            throw new CniException(e.IsLeased ? CniErrorCode.TryAgainLater : CniErrorCode.InvalidConfig, e.Message, inner: e);
        }
        catch (IpamException e)
        {
            throw new CniException(CniErrorCode.InvalidConfig, e.Message, inner: e);
        }
    }

    private static List<string> Describe(IReadOnlyList<PoolUse> uses)
    {
        List<string> lines = [];
        foreach (PoolUse use in uses)
        {
            lines.Add(string.Create(
                CultureInfo.InvariantCulture, $"range set {use.SetIndex} ({use.Ranges}): {use.Free} of {use.Total} free"));
        }

        return lines;
    }
}
