using System.Diagnostics;
using System.Text.Json;

namespace CniPlugins.UnitTests.Ipam;

/// <summary>The reference plugin itself, from Debian's package containernetworking-plugins, on a directory of a test.</summary>
internal sealed class ReferenceHostLocal
{
    private const string Executable = "/usr/lib/cni/host-local";

    private readonly string _config;

    /// <param name="root">The data directory.</param>
    /// <param name="sets">Sets separated by blanks, ranges in a set by commas, as <see cref="TestStore.Plan"/> has them.</param>
    public ReferenceHostLocal(string root, string sets)
    {
        Assert.SkipUnless(File.Exists(Executable), $"{Executable} is not installed");
        IEnumerable<string> ranges = sets.Split(' ').Select(set => $"[{string.Join(',', set.Split(',').Select(Range))}]");
        _config = $$"""
            { "cniVersion":"0.4.0", "name":"net", "type":"x", "ipam":{ "type":"host-local", "dataDir":"{{root}}", "ranges":[ {{string.Join(',', ranges)}} ] } }
            """;
    }

    /// <summary>ADD: the addresses, or null when it is refused.</summary>
    public string? Add(string container, params string[] requested)
    {
        (int code, string output) = Run("ADD", container, requested.Length == 0 ? _config : _config.Insert(1, $$"""
            "runtimeConfig":{"ips":[{{string.Join(',', requested.Select(ip => $"\"{ip}\""))}}]},
            """));
        if (code != 0)
        {
            return null;
        }

        using JsonDocument result = JsonDocument.Parse(output);
        return string.Join(' ', result.RootElement.GetProperty("ips").EnumerateArray()
            .Select(ip => ip.GetProperty("address").GetString() + " via " + ip.GetProperty("gateway").GetString()));
    }

    public void Delete(string container) => Assert.Equal(0, Run("DEL", container, _config).Code);

    public bool Check(string container)
    {
        string previous = _config.Insert(1, """ "prevResult":{"cniVersion":"0.4.0","ips":[]}, """);
        return Run("CHECK", container, previous).Code == 0;
    }

    private static string Range(string text)
    {
        string[] parts = text.Split(';');
        string[] keys = ["subnet", "rangeStart", "rangeEnd", "gateway"];
        return $"{{{string.Join(',', parts.Zip(keys).Where(p => p.First.Length > 0).Select(p => $"\"{p.Second}\":\"{p.First}\""))}}}";
    }

    private static (int Code, string Output) Run(string command, string container, string config)
    {
        ProcessStartInfo start = new(Executable) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment.Clear();
        start.Environment["CNI_COMMAND"] = command;
        start.Environment["CNI_CONTAINERID"] = container;
        start.Environment["CNI_IFNAME"] = "eth0";
        start.Environment["CNI_NETNS"] = "/none";
        start.Environment["CNI_PATH"] = "/usr/lib/cni";
        using Process process = Process.Start(start)!;
        process.StandardInput.Write(config);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
