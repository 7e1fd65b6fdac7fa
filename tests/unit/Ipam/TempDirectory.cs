namespace CniPlugins.UnitTests.Ipam;

/// <summary>A directory of its own for one test.</summary>
internal sealed class TempDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("ipam-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    // Not Directory.Delete: tests plant names that are not UTF-8, which .NET cannot say.
    public void Dispose() => Tools.Run("rm", "-rf", Path);
}
