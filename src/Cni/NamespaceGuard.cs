using CniPlugins.Linux;

namespace CniPlugins.Cni;

/// <summary>
/// Keeps a plugin out of the caller's own namespace. A recycled /proc/PID path may lead there; the reference looks after the work
/// is done, this looks before.
/// </summary>
internal static class NamespaceGuard
{
    /// <summary>Whether CNI_NETNS is the caller's namespace and the plugin must not work in it.</summary>
    internal static bool IsOwnNamespace(Plugin plugin, CniRequest request)
    {
        if (request.Verb is not (CniVerb.Add or CniVerb.Delete) || request.NetnsPath is null || plugin.SharesHostNamespace
            || request.Environment.Find("CNI_NETNS_OVERRIDE")?.ToLowerInvariant() is "1" or "true")
        {
            return false;
        }

        // A path that cannot be opened is the plugin's to judge: an error for ADD, nothing for DEL.
        using NetworkNamespace? named = NetworkNamespace.Find(request.NetnsPath);
        return named is { IsCurrent: true };
    }

    /// <summary>Refuses the caller's own namespace.</summary>
    /// <exception cref="CniException">It is that (8).</exception>
    internal static void RequireOther(bool ownNamespace, CniRequest request)
    {
        if (ownNamespace)
        {
            throw new CniException(
                CniErrorCode.InvalidNetns,
                $"CNI_NETNS {request.NetnsPath} is the network namespace of the caller, not of a container: give the container's, " +
                "or use a plugin of type \"host\", or set CNI_NETNS_OVERRIDE=1 if this is meant");
        }
    }

    /// <summary>The same request, for a DEL that cleans up without entering a namespace.</summary>
    internal static CniRequest WithoutNamespace(CniRequest request) =>
        new(request.Verb, request.Attachment, request.Config, request.Environment) { NetnsPath = null };
}
