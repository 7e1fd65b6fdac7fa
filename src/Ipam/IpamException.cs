namespace CniPlugins.Ipam;

/// <summary>Address management cannot do what was asked. The message is a sentence for the operator.</summary>
public abstract class IpamException : Exception
{
    private protected IpamException(string message)
        : base(message)
    {
    }
}
