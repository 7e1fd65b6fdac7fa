using System.Runtime.ExceptionServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>
/// A network namespace of a test's own, held by a file descriptor alone: it has no name and no mount, and goes with this process, however
/// that ends. Optionally with a mount namespace in which /run, /var/lib and /sys are its own too.
/// </summary>
public sealed class Netns : IDisposable
{
    private readonly SafeFileHandle _network;
    private readonly SafeFileHandle? _mounts;

    private Netns(string name, SafeFileHandle network, SafeFileHandle? mounts)
    {
        Name = name;
        _network = network;
        _mounts = mounts;
        Ip("link set lo up");
    }

    /// <summary>What transcripts call it.</summary>
    public string Name { get; }

    /// <summary>A path for CNI_NETNS, good in every process of this machine for as long as this object lives.</summary>
    public string Path => PathOf(_network);

    /// <summary>Told of every program that ran inside.</summary>
    public Action<ToolResult> Ran { get; set; } = static _ => { };

    /// <summary>Makes an empty namespace with lo up.</summary>
    public static Netns Create(string name)
    {
        SafeFileHandle? network = null;
        OnThread(() =>
        {
            NativeMethods.Unshare(NativeMethods.CLONE_NEWNET);
            network = OpenOwn("net");
        });
        return new Netns(name, network!, null);
    }

    /// <summary>
    /// As <see cref="Create"/>, with mounts of its own: /run and /var/lib are the directories of the same name below
    /// <paramref name="root"/>, /sys shows this namespace's devices.
    /// </summary>
    public static Netns CreateWithMounts(string name, string root)
    {
        SafeFileHandle? network = null;
        SafeFileHandle? mounts = null;
        OnThread(() =>
        {
            // CLONE_FS: a thread that shares its root and working directory with others may not change mount namespaces.
            NativeMethods.Unshare(NativeMethods.CLONE_NEWNET | NativeMethods.CLONE_NEWNS | NativeMethods.CLONE_FS);
            MountOver(root);
            network = OpenOwn("net");
            mounts = OpenOwn("mnt");
        });
        return new Netns(name, network!, mounts);
    }

    /// <summary>Runs the action on a new thread inside; what it throws is thrown here. It must not await.</summary>
    public void Run(Action action) => OnThread(() =>
    {
        NativeMethods.Setns(_network, NativeMethods.CLONE_NEWNET);
        if (_mounts is not null)
        {
            NativeMethods.Unshare(NativeMethods.CLONE_FS);
            NativeMethods.Setns(_mounts, NativeMethods.CLONE_NEWNS);
        }

        action();
    });

    /// <summary>As <see cref="Run(Action)"/>, with a result.</summary>
    public T Run<T>(Func<T> function)
    {
        T result = default!;
        Run(() =>
        {
            result = function();
        });
        return result;
    }

    /// <summary>Runs a program inside; one that fails is an exception with all it said.</summary>
    public ToolResult Exec(string program, params string[] arguments)
    {
        ToolResult result = TryExec(program, arguments);
        return result.ExitCode == 0 ? result : throw new InvalidOperationException($"in {Name}: {result}");
    }

    /// <summary>Runs a program inside, whatever comes of it.</summary>
    public ToolResult TryExec(string program, params string[] arguments) => TryExec(program, arguments, "", null);

    /// <summary>Runs a program inside with this standard input and, unless null, just this environment.</summary>
    public ToolResult TryExec(
        string program, IReadOnlyList<string> arguments, string input, IReadOnlyDictionary<string, string>? environment)
    {
        List<string> enter = [$"--net={Path}"];
        if (_mounts is not null)
        {
            enter.Add($"--mount={PathOf(_mounts)}");
        }

        ToolResult entered = Tool.Run("/usr/bin/nsenter", [.. enter, "--", program, .. arguments], input, environment);
        ToolResult result = entered with { CommandLine = $"[{Name}] {program} {string.Join(' ', arguments)}" };
        Ran(result);
        return result;
    }

    /// <summary><c>ip</c> with these words; with <c>-j</c> among them the parsed answer, else nothing.</summary>
    public JsonElement Ip(string arguments) => RunTool("/usr/sbin/ip", arguments);

    /// <summary><c>nft</c> with these words; with <c>-j</c> among them the parsed answer, else nothing.</summary>
    public JsonElement Nft(string arguments) => RunTool("/usr/sbin/nft", arguments);

    /// <summary>A whole script for <c>nft -f -</c>.</summary>
    public void NftScript(string script)
    {
        ToolResult result = TryExec("/usr/sbin/nft", ["-f", "-"], script, null);
        if (result.ExitCode != 0)
        {
            throw new InvalidOperationException($"in {Name}: {result}\n{script}");
        }
    }

    /// <summary>Whether an address answers an echo request within a second.</summary>
    public bool Ping(string address) => TryExec("/usr/bin/ping", "-n", "-c", "1", "-W", "1", address).ExitCode == 0;

    /// <summary>A kernel parameter's value, or null where there is none: <c>net/ipv4/ip_forward</c>.</summary>
    public string? FindSysctl(string name) => Run(() => File.Exists(SysctlPath(name)) ? File.ReadAllText(SysctlPath(name)).TrimEnd() : null);

    /// <summary>Writes a kernel parameter, which must exist.</summary>
    public void SetSysctl(string name, string value) => Run(() => File.WriteAllText(SysctlPath(name), value));

    /// <inheritdoc/>
    public void Dispose()
    {
        _network.Dispose();
        _mounts?.Dispose();
    }

    private JsonElement RunTool(string program, string arguments)
    {
        string[] words = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string output = Exec(program, words).Output.Trim();
        return words.Contains("-j") ? Json.Parse(output.Length == 0 ? "[]" : output) : default;
    }

    private static string SysctlPath(string name) => "/proc/sys/" + name;

    private static string PathOf(SafeFileHandle handle) => $"/proc/{Environment.ProcessId}/fd/{handle.DangerousGetHandle()}";

    // FileShare.ReadWrite: .NET takes an flock for anything less, which nsfs does not have.
    private static SafeFileHandle OpenOwn(string kind) =>
        File.OpenHandle($"/proc/thread-self/ns/{kind}", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private static void MountOver(string root)
    {
        NativeMethods.Mount("none", "/", null, NativeMethods.MS_REC | NativeMethods.MS_PRIVATE);
        foreach (string directory in new[] { "run", "var/lib" })
        {
            string own = Directory.CreateDirectory(System.IO.Path.Combine(root, directory)).FullName;
            NativeMethods.Mount(own, "/" + directory, null, NativeMethods.MS_BIND);
        }

        string sys = Directory.CreateDirectory(System.IO.Path.Combine(root, "sys")).FullName;
        NativeMethods.Mount("sysfs", sys, "sysfs", 0);
        if (Directory.Exists(sys + "/fs/cgroup"))
        {
            NativeMethods.Mount("/sys/fs/cgroup", sys + "/fs/cgroup", null, NativeMethods.MS_BIND | NativeMethods.MS_REC);
        }

        NativeMethods.Mount(sys, "/sys", null, NativeMethods.MS_BIND | NativeMethods.MS_REC);
    }

    /// <summary>A thread of its own, which just ends: nothing has to be undone on it, and no pool thread ever leaves its namespace.</summary>
    private static void OnThread(Action action)
    {
        ExceptionDispatchInfo? thrown = null;
        Thread thread = new(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                thrown = ExceptionDispatchInfo.Capture(e);   // carried to the thread that waits
            }
        })
        { IsBackground = true };
        thread.Start();
        thread.Join();
        thrown?.Throw();
    }
}
