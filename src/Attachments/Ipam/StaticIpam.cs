using CniPlugins.Cni;

namespace CniPlugins.Attachments;

/// <summary>
/// Addresses as the configuration or the runtime names them, in this process: what the reference <c>static</c> does. Nothing is kept, so
/// nothing is given back. The caller has checked CNI_ARGS for keys that nobody knows.
/// </summary>
public sealed class StaticIpam : IIpam
{
    /// <summary>The value of <c>ipam.type</c>.</summary>
    public const string Type = "static";

    /// <inheritdoc/>
    public AddResult Add(CniRequest request)
    {
        StaticConfig config = StaticConfig.Read(request);
        return new AddResult { Ips = config.Addresses, Routes = config.Routes, Dns = config.Dns };
    }

    /// <inheritdoc/>
    public void Delete(CniRequest request)
    {
    }

    /// <inheritdoc/>
    public void Check(CniRequest request)
    {
        AddResult result = request.Config.PrevResult ?? new AddResult();
        foreach (ResultIp wanted in StaticConfig.Read(request).Addresses)
        {
            // A driver may have completed the gateway; another one than was asked for is another matter.
            if (!result.Ips.Any(ip => ip.Address.Equals(wanted.Address) && ip.PrefixLength == wanted.PrefixLength
                && (wanted.Gateway is null || wanted.Gateway.Equals(ip.Gateway))))
            {
                string by = wanted.Gateway is null ? "" : $" with the gateway {wanted.Gateway}";
                throw new CniException(
                    CniErrorCode.NotAsAdded,
                    $"the result of container {request.Attachment.ContainerId} has not the address {wanted.Text}{by}, which the configuration names: "
                    + "delete (DEL) and add (ADD) it again");
            }
        }
    }

    /// <summary>STATUS: a configuration that is right can be served.</summary>
    /// <exception cref="CniException">It is not (6, 7).</exception>
    public void Status(CniRequest request) => StaticConfig.Read(request);

    /// <inheritdoc/>
    public void Gc(CniRequest request)
    {
    }
}
