namespace CniPlugins.Ipam;

/// <summary>No pool has a free subnet.</summary>
public sealed class SubnetsExhaustedException : IpamException
{
    /// <summary>Names the pools and their use.</summary>
    public SubnetsExhaustedException(string message)
        : base(message)
    {
    }
}
