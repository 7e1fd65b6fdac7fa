namespace CniPlugins.Bench;

/// <summary>A set of plugins under measurement.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="Binaries">The directory of its executables, which is CNI_PATH too.</param>
/// <param name="NeedsPortmap">Whether ports are published by another plugin in the chain; otherwise bridge does it.</param>
internal sealed record Contender(string Name, string Binaries, bool NeedsPortmap)
{
    /// <summary>This checkout's build.</summary>
    public static Contender Ours { get; } = new("ours", FindOwn(), NeedsPortmap: false);

    /// <summary>Debian's build of the reference plugins.</summary>
    public static Contender Reference { get; } = new("reference", "/usr/lib/cni", NeedsPortmap: true);

    /// <summary>Another build of these plugins, to see what a change brought.</summary>
    public static Contender OtherBuild(string binaries) => new("other", Path.GetFullPath(binaries), NeedsPortmap: false);

    private static string FindOwn()
    {
        for (string? directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (Directory.Exists(Path.Combine(directory, "dist/cni")))
            {
                return Path.Combine(directory, "dist/cni");
            }
        }

        throw new BenchException("no dist/cni above the executable: run build.sh");
    }
}
