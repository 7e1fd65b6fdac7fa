using System.Globalization;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>
/// Directories that tests write to: all below one that belongs to this process and holds a locked file. What a killed process left is
/// removed by the next one, which knows it by the lock that nobody holds.
/// </summary>
internal static class TestDirectory
{
    private const string Prefix = "cni-plugins-test-";
    private const string LockName = ".lock";

    private static readonly Lazy<(string Path, FileStream Lock)> s_root = new(CreateRoot);
    private static int s_count;

    /// <summary>Makes an empty directory.</summary>
    internal static string Create(string name)
    {
        string path = Path.Combine(s_root.Value.Path, $"{Interlocked.Increment(ref s_count)}-{name}");
        return Directory.CreateDirectory(path).FullName;
    }

    /// <summary>Removes what is left of processes that ended without doing so; returns the paths.</summary>
    internal static IReadOnlyList<string> Sweep()
    {
        List<string> swept = [];
        foreach (string directory in Directory.GetDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            if (IsAbandoned(directory))
            {
                swept.Add(directory);
                Remove(directory);
            }
        }

        return swept;
    }

    private static void Remove(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Another run sweeps as well, and was faster.
        }
    }

    private static (string Path, FileStream Lock) CreateRoot()
    {
        Sweep();
        string name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():N}");
        string path = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), name)).FullName;
        FileStream held = new(Path.Combine(path, LockName), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(path, recursive: true);
        return (path, held);
    }

    private static bool IsAbandoned(string directory)
    {
        string path = Path.Combine(directory, LockName);
        if (!File.Exists(path))
        {
            // Between another process's mkdir and its lock: a minute is ample for that.
            return DateTime.UtcNow - Directory.GetCreationTimeUtc(directory) > TimeSpan.FromMinutes(1);
        }

        try
        {
            using FileStream free = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (IOException)
        {
            return false;   // its process lives
        }
    }
}
