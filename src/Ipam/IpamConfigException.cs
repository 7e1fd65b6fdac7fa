namespace CniPlugins.Ipam;

/// <summary>The configuration is wrong: it must be changed before a try can succeed.</summary>
public sealed class IpamConfigException : IpamException
{
    /// <summary>Says what is wrong and what it should be.</summary>
    public IpamConfigException(string message)
        : base(message)
    {
    }
}
