namespace CniPlugins.Cni;

/// <summary>Resolver settings, in a configuration and in a result.</summary>
public sealed record DnsSettings
{
    /// <summary>Addresses of name servers, best first.</summary>
    public IReadOnlyList<string> Nameservers { get; init; } = [];

    /// <summary>The local domain; null when there is none.</summary>
    public string? Domain { get; init; }

    /// <summary>Domains to search, best first.</summary>
    public IReadOnlyList<string> Search { get; init; } = [];

    /// <summary>Options of the resolver.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Whether nothing is set; a 1.x result then has no <c>dns</c>.</summary>
    public bool IsEmpty => Nameservers.Count == 0 && string.IsNullOrEmpty(Domain) && Search.Count == 0 && Options.Count == 0;

    /// <summary>Reads the object that a configuration or a result has below <c>dns</c>.</summary>
    /// <exception cref="CniException">A wrong type (6).</exception>
    public static DnsSettings Read(ConfigObject dns) => new()
    {
        Nameservers = dns.FindStrings("nameservers") ?? [],
        Domain = dns.FindString("domain") is { Length: > 0 } domain ? domain : null,
        Search = dns.FindStrings("search") ?? [],
        Options = dns.FindStrings("options") ?? [],
    };
}
