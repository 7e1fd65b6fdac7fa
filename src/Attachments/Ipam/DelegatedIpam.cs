using CniPlugins.Cni;

namespace CniPlugins.Attachments;

/// <summary>Somebody else's IPAM plugin, executed. Specification, section "Plugin Delegation".</summary>
public sealed class DelegatedIpam : IIpam
{
    private readonly string _type;

    /// <summary>Takes the value of <c>ipam.type</c>; the executable is looked for when it is needed.</summary>
    public DelegatedIpam(string type) => _type = type;

    /// <summary>
    /// ADD. When it fails, or answers what cannot be used, it is run again with DEL, since it may have got half way. Interfaces in its
    /// result are left out, as by the reference: an IPAM plugin has none, and indexes into them would mean others here.
    /// </summary>
    /// <exception cref="CniException">The delegate's own error, or what kept it from running.</exception>
    public AddResult Add(CniRequest request)
    {
        DelegatePlugin plugin = DelegatePlugin.Get(request, _type);
        AddResult result;
        try
        {
            result = plugin.Add();
        }
        catch (CniException)
        {
            TryDelete(plugin, request);
            throw;
        }

        List<ResultIp> ips = [];
        foreach (ResultIp ip in result.Ips)
        {
            ips.Add(ip with { Interface = null });
        }

        return result with { Interfaces = [], Ips = ips };
    }

    /// <inheritdoc/>
    public void Delete(CniRequest request) => DelegatePlugin.Get(request, _type).Delete();

    /// <inheritdoc/>
    public void Check(CniRequest request) => DelegatePlugin.Get(request, _type).Check();

    /// <inheritdoc/>
    public void Status(CniRequest request) => DelegatePlugin.Get(request, _type).Status();

    /// <inheritdoc/>
    public void Gc(CniRequest request) => DelegatePlugin.Get(request, _type).Gc();

    private static void TryDelete(DelegatePlugin plugin, CniRequest request)
    {
        try
        {
            plugin.Delete();
        }
        catch (CniException e)
        {
            // The failure of ADD is the one to report; the runtime's own DEL comes back to this.
            request.Warn($"{plugin.Type}: DEL after a failed ADD failed as well: {e.Message}");
        }
    }
}
