namespace CniPlugins.Cni;

/// <summary>Which variables a verb needs, looked at in the reference's order.</summary>
internal static class CniVariables
{
    /// <summary>A malformed variable fails at once; all that are missing are named together.</summary>
    /// <exception cref="CniException">One is malformed or some are missing (4).</exception>
    internal static void Require(CniVerb verb, bool sharesHostNamespace, CniEnvironment environment)
    {
        List<string> missing = [];
        if (verb is CniVerb.Add or CniVerb.Delete or CniVerb.Check)
        {
            RequireContainerId(environment, missing);
            if (verb != CniVerb.Delete && !sharesHostNamespace)
            {
                Require(environment, "CNI_NETNS", missing);
            }

            RequireInterfaceName(environment, missing);
        }

        Require(environment, "CNI_PATH", missing);
        if (missing.Count > 0)
        {
            throw new CniException(
                CniErrorCode.InvalidEnvironment,
                $"required environment variables [{string.Join(',', missing)}] are missing: the runtime must set them for {verb.Word()}");
        }
    }

    private static string? Require(CniEnvironment environment, string name, List<string> missing)
    {
        string? value = environment.Find(name);
        if (value is null)
        {
            missing.Add(name);
        }

        return value;
    }

    private static void RequireContainerId(CniEnvironment environment, List<string> missing)
    {
        if (Require(environment, "CNI_CONTAINERID", missing) is { } id && !CniNames.IsContainerId(id))
        {
            throw new CniException(CniErrorCode.InvalidEnvironment, $"CNI_CONTAINERID \"{id}\" is not allowed: it must be {CniNames.Rule}");
        }
    }

    private static void RequireInterfaceName(CniEnvironment environment, List<string> missing)
    {
        if (Require(environment, "CNI_IFNAME", missing) is { } name && CniNames.FindInterfaceNameFault(name) is { } fault)
        {
            throw new CniException(CniErrorCode.InvalidEnvironment, $"CNI_IFNAME \"{name}\" is no interface name: {fault}");
        }
    }
}
