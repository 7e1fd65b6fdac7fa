namespace CniPlugins.NetnsTests;

/// <summary>Rows for tests that hold for every version of the specification.</summary>
public static class Versions
{
    /// <summary>All of them.</summary>
    public static TheoryData<string> All => [.. Since("0.1.0")];

    /// <summary>Those that Debian's build of the reference plugins speaks.</summary>
    public static TheoryData<string> OfReference => [.. Since("0.1.0").Where(static v => v != "1.1.0")];

    /// <summary>Those with CHECK.</summary>
    public static TheoryData<string> WithCheck => [.. Since("0.4.0")];

    private static IEnumerable<string> Since(string first) =>
        new[] { "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" }.Where(v => string.CompareOrdinal(v, first) >= 0);
}
