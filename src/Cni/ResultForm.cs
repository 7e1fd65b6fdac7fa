namespace CniPlugins.Cni;

/// <summary>The three forms that a result has had.</summary>
internal enum ResultForm
{
    /// <summary>0.1.0, 0.2.0: <c>ip4</c> and <c>ip6</c>.</summary>
    OneAddressPerFamily,

    /// <summary>0.3.0 to 0.4.0: <c>ips</c> with a <c>version</c> each.</summary>
    AddressListWithFamily,

    /// <summary>1.0.0 and later.</summary>
    AddressList,
}
