namespace CniPlugins.RuntimeTests.Harness;

/// <summary>
/// A control group in every hierarchy of this machine, named after the directory of a host: what runtimes make lies below, so that two test
/// runs never meet, and what a killed run left is known by its missing directory.
/// </summary>
internal sealed class ControlGroups : IDisposable
{
    private const string Mounts = "/sys/fs/cgroup";
    private const string Prefix = "cni-plugins-test-";

    private ControlGroups(IReadOnlyList<string> paths) => Paths = paths;

    /// <summary>The groups' directories.</summary>
    internal IReadOnlyList<string> Paths { get; }

    /// <summary>Makes the groups.</summary>
    /// <param name="root">The host's directory, which belongs to this process.</param>
    internal static ControlGroups Create(string root)
    {
        string[] words = root.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string name = $"{words[^2]}.{words[^1]}";   // the process's directory, and the host's in it
        List<string> paths = [];
        foreach (string parent in Parents())
        {
            Sweep(parent);
            string path = Directory.CreateDirectory(Path.Combine(parent, name)).FullName;
            foreach (string setting in new[] { "cpuset.cpus", "cpuset.mems" })
            {
                // Version 1 takes no process into a group without processors and memory, and makes groups without.
                if (File.Exists(Path.Combine(path, setting)) && !File.Exists(Path.Combine(path, "cgroup.controllers")))
                {
                    File.WriteAllText(Path.Combine(path, setting), File.ReadAllText(Path.Combine(parent, setting)));
                }
            }

            paths.Add(path);
        }

        return new ControlGroups(paths);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (string path in Paths)
        {
            // The kernel lets go of a process's groups a moment after the process is gone.
            Wait.Until($"{path} is empty", () => TryRemove(path));
        }
    }

    /// <summary>Where this process may make groups: below its own of version 1, below the root of version 2.</summary>
    private static IEnumerable<string> Parents()
    {
        if (File.Exists(Path.Combine(Mounts, "cgroup.controllers")))
        {
            return [Mounts];
        }

        // "4:memory:/path", "9:name=systemd:/path"; "0::/path" is a version 2 beside it.
        return File.ReadLines("/proc/self/cgroup").Select(static line => line.Split(':', 3)).Where(static parts => parts[1].Length > 0)
            .Select(static parts => Path.Combine(Mounts, parts[1].Replace("name=", "", StringComparison.Ordinal), parts[2].TrimStart('/')));
    }

    private static void Sweep(string parent)
    {
        foreach (string path in Directory.EnumerateDirectories(parent, Prefix + "*").ToList())
        {
            string owner = Path.GetFileName(path).Split('.')[0];
            if (!Directory.Exists(Path.Combine(Path.GetTempPath(), owner)))
            {
                TryRemove(path);
            }
        }
    }

    private static bool TryRemove(string path)
    {
        try
        {
            foreach (string child in Directory.EnumerateDirectories(path).ToList())
            {
                TryRemove(child);
            }

            // Not recursive: the files of a group are the kernel's, and go with it.
            return NativeMethods.TryRemoveDirectory(path);
        }
        catch (DirectoryNotFoundException)
        {
            return true;   // another run sweeps as well, and was faster
        }
    }
}
