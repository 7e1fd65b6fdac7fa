namespace CniPlugins.Ipam;

/// <summary>A block of addresses that is cut into subnets of one size, as an entry of Docker's <c>default-address-pools</c>.</summary>
public sealed record SubnetPool
{
    /// <summary>The longest table of subnets that a pool may stand for, as a power of two.</summary>
    private const int DepthLimit = 64;

    /// <summary>Checks that the subnets fit.</summary>
    /// <param name="baseBlock">The block, without host bits.</param>
    /// <param name="size">The subnets' prefix length.</param>
    /// <exception cref="IpamConfigException">They do not.</exception>
    public SubnetPool(IpPrefix baseBlock, int size)
    {
        int bits = AddressMath.Bits(baseBlock.Family);
        if (baseBlock.Number != baseBlock.First)
        {
            throw new IpamConfigException($"address pool base {baseBlock} has host bits set; the network of that length is {baseBlock.Network}");
        }

        if (size < baseBlock.Length || size > bits - 1 || size - baseBlock.Length > DepthLimit)
        {
            throw new IpamConfigException(
                $"address pool {baseBlock} cannot be cut into /{size} subnets: the size must lie from {baseBlock.Length} to {bits - 1}");
        }

        Base = baseBlock;
        Size = size;
    }

    /// <summary>The block.</summary>
    public IpPrefix Base { get; }

    /// <summary>The prefix length of its subnets.</summary>
    public int Size { get; }

    /// <summary>How many subnets it has.</summary>
    public UInt128 Count => UInt128.One << (Size - Base.Length);

    /// <summary><c>172.20.0.0/14 in /16s</c>.</summary>
    public override string ToString() => $"{Base} in /{Size}s";
}
