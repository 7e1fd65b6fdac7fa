using System.Xml.Linq;

namespace CniPlugins.UnitTests;

/// <summary>
/// The layer rule, read off the project files: plugins → Attachments → {Cni, Ipam, Publishing} → {Nftables, Netlink, Bpf} → Linux. A project that
/// is not named here fails, so that a new one takes its place on purpose.
/// </summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["src/Linux"] = [],
        ["src/Netlink"] = ["src/Linux"],
        ["src/Nftables"] = ["src/Linux", "src/Netlink"],
        ["src/Bpf"] = ["src/Linux"],
        ["src/Ipam"] = ["src/Linux"],
        ["src/Cni"] = ["src/Linux"],
        ["src/Publishing"] = ["src/Linux", "src/Netlink", "src/Nftables", "src/Bpf"],
        ["src/Attachments"] = ["src/Linux", "src/Netlink", "src/Nftables", "src/Ipam", "src/Cni", "src/Publishing"],
    };

    /// <summary>The executable knows every driver; a test may know everything.</summary>
    private static readonly string[] s_seeEverything = ["plugins/cni", "tests/"];

    private static readonly string[] s_product = ["src/", "plugins/", "tools/"];

    public static TheoryData<string> Projects => [.. Directory.EnumerateFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories)
        .Select(static path => Path.GetRelativePath(Repository.Root, path))
        .Where(static path => !path.StartsWith("artifacts/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Projects))]
    public void A_project_references_only_layers_below(string project)
    {
        string folder = Path.GetDirectoryName(project)!;
        string[] forbidden = [.. References(project).Where(referenced => !IsAllowed(folder, referenced))];

        Assert.True(forbidden.Length == 0, $"{folder} may not reference {string.Join(", ", forbidden)}");
    }

    [Theory, MemberData(nameof(Projects))]
    public void Only_the_system_call_layer_may_be_unsafe(string project)
    {
        bool allows = XDocument.Load(Path.Combine(Repository.Root, project)).Descendants("AllowUnsafeBlocks").Any(static e => e.Value == "true");

        Assert.True(!allows || project.StartsWith("src/Linux/", StringComparison.Ordinal), $"{project} allows unsafe code");
    }

    [Fact]
    public void The_product_stands_on_one_package()
    {
        // Runtime packages: one, the declarations of system calls, in the layer of system calls.
        IEnumerable<string> packages = Projects.Select(static row => row.Data)
            .Where(static p => s_product.Any(folder => p.StartsWith(folder, StringComparison.Ordinal)))
            .SelectMany(static p => XDocument.Load(Path.Combine(Repository.Root, p)).Descendants("PackageReference"), static (p, e) => $"{p}: {e.Attribute("Include")?.Value}");

        Assert.Equal(["src/Linux/Linux.csproj: Tmds.LibC"], packages);
    }

    private static bool IsAllowed(string folder, string referenced)
    {
        if (s_seeEverything.Any(each => folder.StartsWith(each, StringComparison.Ordinal)))
        {
            return true;
        }

        if (folder.StartsWith("plugins/", StringComparison.Ordinal) || folder.StartsWith("tools/", StringComparison.Ordinal))
        {
            // A driver never sees another: what two share belongs to Attachments.
            return s_allowed.ContainsKey(referenced);
        }

        return s_allowed.TryGetValue(folder, out string[]? allowed) && allowed.Contains(referenced);
    }

    private static IEnumerable<string> References(string project) =>
        XDocument.Load(Path.Combine(Repository.Root, project)).Descendants("ProjectReference").Select(reference =>
        {
            string path = Path.Combine(Repository.Root, Path.GetDirectoryName(project)!, reference.Attribute("Include")!.Value);
            return Path.GetRelativePath(Repository.Root, Path.GetDirectoryName(Path.GetFullPath(path))!);
        });
}
