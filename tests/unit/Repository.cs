namespace CniPlugins.UnitTests;

/// <summary>The checkout that this test was built in.</summary>
internal static class Repository
{
    /// <summary>Its top directory.</summary>
    internal static string Root { get; } = Find();

    private static string Find()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "cni-plugins.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new InvalidOperationException($"no cni-plugins.sln above {AppContext.BaseDirectory}");
    }
}
