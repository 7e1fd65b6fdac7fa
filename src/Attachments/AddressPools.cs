using System.Net.Sockets;
using CniPlugins.Cni;
using CniPlugins.Ipam;

namespace CniPlugins.Attachments;

/// <summary>
/// Where networks without a subnet of their own get one: key <c>addressPools</c> of the host-wide settings, a list of
/// <c>{"base": "10.64.0.0/12", "size": 24}</c> in the form of Docker's <c>default-address-pools</c>, for both families. A family that it does
/// not name keeps the defaults.
/// </summary>
public sealed class AddressPools
{
    private readonly IReadOnlyList<SubnetPool> _configured;

    private AddressPools(IReadOnlyList<SubnetPool> configured) => _configured = configured;

    /// <summary>Nothing configured.</summary>
    public static AddressPools Default => new([]);

    /// <summary>The pools of both families, in order.</summary>
    /// <param name="uniqueLocal">This host's own block, for IPv6 unless configured otherwise.</param>
    public (IReadOnlyList<SubnetPool> V4, IReadOnlyList<SubnetPool> V6) Complete(SubnetPool uniqueLocal)
    {
        IReadOnlyList<SubnetPool> v4 = SubnetPools.Of(_configured, AddressFamily.InterNetwork);
        IReadOnlyList<SubnetPool> v6 = SubnetPools.Of(_configured, AddressFamily.InterNetworkV6);
        return (v4.Count > 0 ? v4 : SubnetPools.IPv4, v6.Count > 0 ? v6 : [uniqueLocal]);
    }

    /// <summary>Reads the key; without it, the defaults.</summary>
    /// <exception cref="CniException">A wrong type (6), or no pool (7).</exception>
    internal static AddressPools Read(ConfigObject settings)
    {
        List<SubnetPool> pools = [];
        foreach (ConfigObject pool in settings.FindObjects("addressPools") ?? [])
        {
            string text = pool.GetString("base");
            if (!IpPrefix.TryParse(text, out IpPrefix block))
            {
                throw new CniException(CniErrorCode.InvalidConfig, $"{pool.PathOf("base")}: \"{text}\" is not a block of addresses such as 10.64.0.0/12");
            }

            int size = pool.FindInt32("size") ?? throw new CniException(
                CniErrorCode.InvalidConfig, $"{pool.PathOf("size")} is missing: set it to the prefix length of the subnets that {block} is cut into");
            pools.Add(Check(pool, block, size));
        }

        return new AddressPools(pools);
    }

    private static SubnetPool Check(ConfigObject pool, IpPrefix block, int size)
    {
        try
        {
            return new SubnetPool(block, size);
        }
        catch (IpamConfigException e)
        {
            throw new CniException(CniErrorCode.InvalidConfig, $"{pool.Path}: {e.Message}", inner: e);
        }
    }
}
