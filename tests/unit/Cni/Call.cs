using System.Text;
using System.Text.Json;
using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

/// <summary>One call of a plugin in this process: variables and standard input in, exit code and both outputs out.</summary>
internal sealed class Call
{
    public const string Network = """{"cniVersion":"1.1.0","name":"net","type":"fake"}""";

    private readonly Dictionary<string, string> _variables = new()
    {
        ["CNI_CONTAINERID"] = "c1",
        ["CNI_NETNS"] = "/nowhere/ns",
        ["CNI_IFNAME"] = "eth0",
        ["CNI_PATH"] = "/nowhere/bin",
    };

    public Call(string verb) => _variables["CNI_COMMAND"] = verb;

    public FakePlugin Plugin { get; } = new();

    public Stream Input { get; set; } = Text(Network);

    public Stream? ErrorSink { get; set; }

    public int Exit { get; private set; }

    public string Output { get; private set; } = "";

    public string Error { get; private set; } = "";

    public int Code => Json.GetProperty("code").GetInt32();

    public string Message => Json.GetProperty("msg").GetString()!;

    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    public static Stream Text(string text) => new MemoryStream(Encoding.UTF8.GetBytes(text));

    public Call Set(string name, string? value)
    {
        if (value is null)
        {
            _variables.Remove(name);
        }
        else
        {
            _variables[name] = value;
        }

        return this;
    }

    public Call With(string input)
    {
        Input = Text(input);
        return this;
    }

    public Call Run()
    {
        using MemoryStream output = new();
        using MemoryStream error = new();
        Exit = PluginHost.Run(Plugin, new CniEnvironment(_variables, Input, output, ErrorSink ?? error));
        Output = Encoding.UTF8.GetString(output.ToArray());
        Error = Encoding.UTF8.GetString(error.ToArray());
        return this;
    }

    public Call Fails(int code)
    {
        Run();
        Assert.Equal(1, Exit);
        Assert.Equal(code, Code);
        return this;
    }

    public Call Succeeds()
    {
        Run();
        Assert.True(Exit == 0, Output);
        return this;
    }
}
