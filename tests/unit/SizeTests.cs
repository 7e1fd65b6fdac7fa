namespace CniPlugins.UnitTests;

/// <summary>A file has one job: 400 lines are ample for it, 600 for a test's.</summary>
public sealed class SizeTests
{
    [Theory]
    [InlineData("src", 400)]
    [InlineData("plugins", 400)]
    [InlineData("daemons", 400)]
    [InlineData("tools", 400)]
    [InlineData("bench", 400)]
    [InlineData("tests", 600)]
    public void No_file_is_too_long(string folder, int limit)
    {
        string root = Path.Combine(Repository.Root, folder);
        IEnumerable<string> tooLong = !Directory.Exists(root) ? [] : Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(static path => (Path: Path.GetRelativePath(Repository.Root, path), Lines: File.ReadLines(path).Count()))
            .Where(file => file.Lines > limit)
            .Select(static file => $"{file.Path}: {file.Lines} lines");

        Assert.Empty(tooLong);
    }
}
