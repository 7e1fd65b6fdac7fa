namespace CniPlugins.Cni;

/// <summary>A driver. <see cref="PluginHost"/> reads and checks the call, runs one method, and answers the runtime.</summary>
public abstract class Plugin
{
    /// <summary>The CNI type, which is the executable's name.</summary>
    public abstract string Type { get; }

    /// <summary>The versions it speaks.</summary>
    public virtual IReadOnlyList<CniVersion> Versions => CniVersion.Supported;

    /// <summary>Whether it works in the caller's own namespace: then CNI_NETNS may be that, or missing.</summary>
    public virtual bool SharesHostNamespace => false;

    /// <summary>Whether CHECK without a prevResult is an error (specification, section "CHECK").</summary>
    public virtual bool CheckNeedsPrevResult => true;

    /// <summary>ADD: attach. What was made is undone when it throws.</summary>
    public abstract AddResult Add(CniRequest request);

    /// <summary>DEL: detach. Absence is success; the namespace, prevResult and runtimeConfig may be missing.</summary>
    public abstract void Delete(CniRequest request);

    /// <summary>CHECK: throws when something that ADD made is not as it was.</summary>
    public virtual void Check(CniRequest request)
    {
    }

    /// <summary>STATUS: throws 50 or 51 when an ADD would fail.</summary>
    public virtual void Status(CniRequest request)
    {
    }

    /// <summary>GC: frees what no entry of <see cref="CniRequest.ValidAttachments"/> owns.</summary>
    public virtual void Gc(CniRequest request)
    {
    }
}
