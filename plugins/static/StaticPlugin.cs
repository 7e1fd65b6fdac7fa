using CniPlugins.Attachments;
using CniPlugins.Cni;

namespace CniPlugins.Plugins.Static;

/// <summary>The <c>static</c> IPAM plugin as an executable, for drivers that are not ours; ours use <see cref="StaticIpam"/> in their own process.</summary>
public sealed class StaticPlugin : Plugin
{
    private readonly StaticIpam _ipam = new();

    /// <inheritdoc/>
    public override string Type => StaticIpam.Type;

    /// <inheritdoc/>
    public override AddResult Add(CniRequest request)
    {
        request.Args.RequireKnown("IP", "GATEWAY");
        return _ipam.Add(request);
    }

    /// <summary>DEL. There is nothing to give back.</summary>
    public override void Delete(CniRequest request) => _ipam.Delete(request);

    /// <inheritdoc/>
    public override void Check(CniRequest request)
    {
        request.Args.RequireKnown("IP", "GATEWAY");
        _ipam.Check(request);
    }

    /// <inheritdoc/>
    public override void Status(CniRequest request) => _ipam.Status(request);

    /// <inheritdoc/>
    public override void Gc(CniRequest request) => _ipam.Gc(request);
}
