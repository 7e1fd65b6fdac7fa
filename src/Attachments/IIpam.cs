using CniPlugins.Cni;

namespace CniPlugins.Attachments;

/// <summary>Where a driver gets addresses from: our own address management in this process, or another executable.</summary>
public interface IIpam
{
    /// <summary>Leases addresses for the attachment: addresses, routes and DNS, no interfaces.</summary>
    /// <exception cref="CniException">No address to be had (11), a wrong configuration (7), or what the delegate said.</exception>
    AddResult Add(CniRequest request);

    /// <summary>Gives the attachment's addresses back; none is success.</summary>
    /// <exception cref="CniException">They could not be given back.</exception>
    void Delete(CniRequest request);

    /// <summary>Throws when the attachment's addresses are not leased to it.</summary>
    /// <exception cref="CniException">They are not.</exception>
    void Check(CniRequest request);

    /// <summary>Throws 50 when an ADD would get no address.</summary>
    /// <exception cref="CniException">It would not.</exception>
    void Status(CniRequest request);

    /// <summary>Gives back what no valid attachment of the network owns.</summary>
    /// <exception cref="CniException">Something could not be given back.</exception>
    void Gc(CniRequest request);
}
