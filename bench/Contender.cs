namespace CniPlugins.Bench;

/// <summary>A set of plugins under measurement.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="Binaries">The directory of its executables, which is CNI_PATH too.</param>
/// <param name="NeedsPortmap">Whether ports are published by another plugin in the chain; otherwise bridge does it.</param>
/// <param name="Backend">What that plugin is told to use; null: it is told nothing.</param>
internal sealed record Contender(string Name, string Binaries, bool NeedsPortmap, string? Backend = null)
{
    private const string Product = "dist/cni";

    private static readonly string s_root = FindRoot();

    /// <summary>This checkout's build.</summary>
    public static Contender Ours { get; } = new("ours", Path.Combine(s_root, Product), NeedsPortmap: false);

    /// <summary>This checkout's build on another host, where there is less: what does the rest cost?</summary>
    public static Contender OursWithout { get; } = Ours with { Name = "ours without" };

    /// <summary>Debian's build of the reference plugins.</summary>
    public static Contender Reference { get; } = new("reference", "/usr/lib/cni", NeedsPortmap: true);

    /// <summary>A later version of them with portmap's other backend, which Debian's stable releases do not have yet; null if bench/run could not fetch it.</summary>
    public static Contender? FindNftablesReference()
    {
        string binaries = Path.Combine(s_root, "artifacts/reference/usr/lib/cni");
        return Directory.Exists(binaries) ? new Contender("nftables", binaries, NeedsPortmap: true, "nftables") : null;
    }

    /// <summary>Another build of these plugins, to see what a change brought.</summary>
    public static Contender OtherBuild(string binaries) => new("other", Path.GetFullPath(binaries), NeedsPortmap: false);

    private static string FindRoot()
    {
        for (string? directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (Directory.Exists(Path.Combine(directory, Product)))
            {
                return directory;
            }
        }

        throw new BenchException($"no {Product} above the executable: run build.sh");
    }
}
