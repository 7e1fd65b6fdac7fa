using System.Text;
using System.Text.RegularExpressions;
using CniPlugins.Publishing.Loopback;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>
/// Everything a plugin may change, as text: links, addresses, routes, rules, permanent neighbours, the nftables ruleset, kernel parameters
/// and state files of a host and its containers. What changes by itself (timers, counters, handles, link state) is left out.
/// </summary>
public sealed class World
{
    /// <summary>Files that stay when nothing is left, or until the host's last attachment goes.</summary>
    private static readonly Regex s_frame = new(
        @"^\[files\] (run/cni-plugins/((attachments|bridges)/|(lock|tables): |host/((socket programs|ports on )[^:]*: .*)?)?|var/lib/cni/(results/|networks/([^/]+/(lock: |last_reserved_ip.*)?|\.index/.*)?)?)$|"
        + @"^\[files\] run/cni-ipam-state/([^/]+/(lock: |last_reserved_ip.*)?|\.index/.*)?$|^\[files\] run/cni/(tuning/)?$");

    private readonly List<string> _lines;

    private World(List<string> lines) => _lines = lines;

    /// <summary>One line per thing.</summary>
    public IReadOnlyList<string> Lines => _lines;

    /// <summary>Of a host, with its neighbour, its files and all its containers.</summary>
    public static World Of(TestHost host)
    {
        List<string> lines = [];
        ReadNamespace(host.Netns, lines);
        ReadNamespace(host.Lan, lines);
        using (LoopbackPorts loopback = host.Netns.Run(static () => LoopbackPorts.Open(TestCgroup.Path)))
        {
            lines.AddRange(loopback.ListKeys().Select(static key => $"[host] socket {Convert.ToHexString(key)[16..]}"));
        }

        ReadFiles(host.Root, host.Root, lines);
        foreach (Container container in host.Containers)
        {
            ReadNamespace(container.Netns, lines);
        }

        return new World(lines);
    }

    /// <summary>Of these namespaces alone.</summary>
    public static World Of(params Netns[] namespaces)
    {
        List<string> lines = [];
        foreach (Netns each in namespaces)
        {
            ReadNamespace(each, lines);
        }

        return new World(lines);
    }

    /// <summary>Of these namespaces, and of folders below a directory.</summary>
    public static World Of(Netns[] namespaces, string root, params string[] folders)
    {
        World world = Of(namespaces);
        foreach (string folder in folders)
        {
            ReadFiles(root, Path.Combine(root, folder), world._lines);
        }

        return world;
    }

    /// <summary>
    /// The same without what stays when nothing is left: empty directories, locks, and the allocator's place to go on from. Records, leases and
    /// what bridges share are compared.
    /// </summary>
    public World WithoutFrame() => Where(static line => !s_frame.IsMatch(line));

    /// <summary>The same with more lines.</summary>
    public World With(IEnumerable<string> lines) => new([.. _lines, .. lines]);

    /// <summary>The same without the lines that hold one of these texts.</summary>
    public World Except(params string[] texts) =>
        new([.. _lines.Where(line => !texts.Any(text => line.Contains(text, StringComparison.Ordinal)))]);

    /// <summary>Only the lines that are to be kept.</summary>
    public World Where(Func<string, bool> keep) => new([.. _lines.Where(keep)]);

    /// <summary>Fails with the lines that were lost (-) and gained (+) since.</summary>
    public void AssertEqual(World before)
    {
        string difference = Difference(before);
        if (difference.Length > 0)
        {
            Assert.Fail("the world is not as it was (- before, + now):\n" + difference);
        }
    }

    /// <summary>The lines lost and gained since, or an empty text.</summary>
    public string Difference(World before)
    {
        StringBuilder text = new();
        foreach (string line in Missing(before._lines, _lines))
        {
            text.Append("- ").AppendLine(line);
        }

        foreach (string line in Missing(_lines, before._lines))
        {
            text.Append("+ ").AppendLine(line);
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join('\n', _lines);

    /// <summary>What the first list holds more often than the second.</summary>
    private static IEnumerable<string> Missing(List<string> of, List<string> from)
    {
        Dictionary<string, int> counts = from.GroupBy(static line => line).ToDictionary(static g => g.Key, static g => g.Count());
        foreach (string line in of)
        {
            counts[line] = counts.GetValueOrDefault(line) - 1;
            if (counts[line] < 0)
            {
                yield return line;
            }
        }
    }

    private static void ReadNamespace(Netns netns, List<string> lines)
    {
        foreach (string line in WorldReader.Read(netns))
        {
            lines.Add($"[{netns.Name}] {line}");
        }
    }

    private static void ReadFiles(string root, string folder, List<string> lines)
    {
        if (!Directory.Exists(folder))
        {
            return;
        }

        foreach (string path in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string relative = Path.GetRelativePath(root, path);
            if (Directory.Exists(path))
            {
                lines.Add($"[files] {relative}/");
                continue;
            }

            // Where the reference allocator goes on: it moves by design, with every ADD.
            bool moves = Path.GetFileName(path).StartsWith("last_reserved_ip", StringComparison.Ordinal);
            lines.Add($"[files] {relative}: {(moves ? "…" : Printable(File.ReadAllBytes(path)))}");
        }
    }

    private static string Printable(byte[] content) => content.Length > 2000
        ? $"{content.Length} bytes, SHA-256 {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(content))}"
        : Encoding.UTF8.GetString(content).Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
