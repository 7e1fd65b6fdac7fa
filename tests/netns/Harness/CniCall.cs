using System.Text.Json;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>One call of a plugin's executable, and what it answered.</summary>
public sealed class CniCall
{
    private readonly string _configuration;

    internal CniCall(string verb, string type, string configuration, ToolResult tool)
    {
        Verb = verb;
        Type = type;
        _configuration = configuration;
        Tool = tool;
    }

    /// <summary>CNI_COMMAND.</summary>
    public string Verb { get; }

    /// <summary>The plugin's type.</summary>
    public string Type { get; }

    /// <summary>The process: exit code and both streams.</summary>
    public ToolResult Tool { get; }

    /// <summary>Whether it exited with 0.</summary>
    public bool Succeeded => Tool.ExitCode == 0;

    /// <summary>Standard output, parsed; null when it is empty.</summary>
    public JsonElement? Json => Tool.Output.Trim().Length == 0 ? null : Harness.Json.Parse(Tool.Output);

    /// <summary>The result of an ADD.</summary>
    public JsonElement Result => RequireSuccess().Json ?? throw new InvalidOperationException($"no result\n{this}");

    /// <summary>The code of the error object on standard output, or null.</summary>
    public int? ErrorCode => Succeeded ? null : Json?.Find("code")?.GetInt32();

    /// <summary>The message of the error object, or an empty text.</summary>
    public string Message => Succeeded ? "" : Json?.Text("msg") ?? "";

    /// <summary>The details of the error object, or an empty text.</summary>
    public string Details => Succeeded ? "" : Json?.Text("details") ?? "";

    /// <summary>The addresses of the result, as "10.1.0.2/16".</summary>
    public IReadOnlyList<string> Addresses =>
        [.. (Result.Find("ips")?.EnumerateArray() ?? default).Select(static ip => ip.Text("address") ?? "")];

    /// <summary>The first address of a family in the result, without its prefix length.</summary>
    public string Address(bool v6 = false) => Addresses.First(a => a.Contains(':', StringComparison.Ordinal) == v6).Split('/')[0];

    /// <summary>This call; one that failed is an exception with everything in it.</summary>
    public CniCall RequireSuccess() => Succeeded ? this : throw new InvalidOperationException($"{Verb} {Type} failed\n{this}");

    /// <summary>This call; one that succeeded, or failed otherwise, is an exception with everything in it.</summary>
    public CniCall RequireError(int code) =>
        ErrorCode == code ? this : throw new InvalidOperationException($"{Verb} {Type}: expected error {code}, got {ErrorCode}\n{this}");

    /// <summary>Everything that was sent and came back.</summary>
    public override string ToString() => $"CNI_COMMAND={Verb} {Type} <<< {_configuration}\n{Tool}";
}
