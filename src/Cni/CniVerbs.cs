namespace CniPlugins.Cni;

/// <summary>The words of CNI_COMMAND.</summary>
public static class CniVerbs
{
    /// <summary>The verb; null for an unknown word. Case matters, as in the reference.</summary>
    public static CniVerb? Find(string command) => command switch
    {
        "ADD" => CniVerb.Add,
        "DEL" => CniVerb.Delete,
        "CHECK" => CniVerb.Check,
        "STATUS" => CniVerb.Status,
        "GC" => CniVerb.Gc,
        "VERSION" => CniVerb.Version,
        _ => null,
    };

    /// <summary>The word that CNI_COMMAND carries.</summary>
    public static string Word(this CniVerb verb) => verb switch
    {
        CniVerb.Add => "ADD",
        CniVerb.Delete => "DEL",
        CniVerb.Check => "CHECK",
        CniVerb.Status => "STATUS",
        CniVerb.Gc => "GC",
        _ => "VERSION",
    };

    /// <summary>The first version that has the verb.</summary>
    internal static CniVersion Since(this CniVerb verb) => verb switch
    {
        CniVerb.Check => new CniVersion(0, 4, 0),
        CniVerb.Status or CniVerb.Gc => new CniVersion(1, 1, 0),
        _ => new CniVersion(0, 1, 0),
    };
}
