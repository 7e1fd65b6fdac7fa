using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>
/// What no in-process test can send: bytes that are no text, closed streams, other names. In every case the right code, a sentence,
/// an exit code of 1, and nothing changed.
/// </summary>
public sealed class ContractTests : IDisposable
{
    private const string Good =
        """{"cniVersion":"1.1.0","name":"net","type":"any","ipam":{"type":"host-local","subnet":"10.1.2.0/24"} }""";

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly World _before;

    public ContractTests()
    {
        _container = _host.Container("web");
        _before = World.Of(_host);
    }

    public static TheoryData<string> Types => ["bridge", "host", "host-local", "loopback", "none", "static"];

    public static TheoryData<string, string, int, string> BadInputs => new()
    {
        { "empty", "", 6, "empty" },
        { "not JSON", "hello", 6, "line 1" },
        { "cut off", Good[..^3], 6, "not valid JSON" },
        { "two values", Good + Good, 6, "not valid JSON" },
        { "an array", "[1]", 6, "an array" },
        { "a number for the name", """{"cniVersion":"1.1.0","name":7}""", 6, "name: expected a string, found a number" },
        { "no name", """{"cniVersion":"1.1.0"}""", 7, "name" },
        { "a name that leads out", """{"cniVersion":"1.1.0","name":"../net"}""", 7, "../net" },
        { "a name with a newline", """{"cniVersion":"1.1.0","name":"net\n"}""", 7, "network name" },
        { "a name of bytes that are no text", "{\"cniVersion\":\"1.1.0\",\"name\":\"n\u00ff\u00fe\"}", 7, "network name" },
        { "an unknown version", """{"cniVersion":"2.0.0","name":"net"}""", 1, "2.0.0" },
        { "a number for the version", """{"cniVersion":1,"name":"net"}""", 6, "cniVersion" },
        { "deep nesting", """{"cniVersion":"1.1.0","name":"net","x":""" + new string('[', 200_000), 6, "not valid JSON" },
        { "10 MB", """{"cniVersion":"1.1.0","name":"net","x":" """ + new string('x', 10 << 20) + "\"}", 6, "4 MiB" },
        { "a list for ipam", """{"cniVersion":"1.1.0","name":"net","ipam":[]}""", 6, "ipam" },
        { "a text for prevResult", """{"cniVersion":"1.1.0","name":"net","prevResult":"none"}""", 6, "prevResult" },
    };

    public static TheoryData<string, string, string> BadVariables => new()
    {
        { "CNI_CONTAINERID", "", "CNI_CONTAINERID" },
        { "CNI_CONTAINERID", "../../etc", "../../etc" },
        { "CNI_CONTAINERID", "web\n", "CNI_CONTAINERID" },
        { "CNI_IFNAME", "", "CNI_IFNAME" },
        { "CNI_IFNAME", "..", ".." },
        { "CNI_IFNAME", "a/b", "a/b" },
        { "CNI_IFNAME", "much-too-long-a-name", "15 bytes" },
        { "CNI_COMMAND", "add", "add" },
        { "CNI_PATH", "", "CNI_PATH" },
    };

    public void Dispose()
    {
        _container.Dispose();
        _host.Dispose();
    }

    [Theory, MemberData(nameof(BadInputs))]
    public void Bad_input_gets_its_code_and_a_sentence(string what, string input, int code, string named)
    {
        Assert.NotEmpty(what);
        foreach (string type in Types.Select(static row => row.Data))
        {
            Refused(_host.Call("ADD", type, input, Variables(type)), code, named);
        }

        World.Of(_host).AssertEqual(_before);
    }

    [Theory, MemberData(nameof(BadVariables))]
    public void Bad_variables_get_code_4_and_a_sentence(string name, string value, string named)
    {
        foreach (string type in Types.Select(static row => row.Data))
        {
            Dictionary<string, string> variables = Variables(type);
            variables[name] = value;
            Refused(_host.Call("ADD", type, Good, variables), 4, named);
        }

        World.Of(_host).AssertEqual(_before);
    }

    [Theory]
    [InlineData("CNI_IFNAME=$(printf '\\377eth')", "CNI_IFNAME")]
    [InlineData("CNI_CONTAINERID=$(printf 'a\\300\\200b')", "CNI_CONTAINERID")]
    [InlineData("CNI_ARGS=$(printf 'IP=\\377')", "CNI_ARGS")]
    [InlineData("CNI_ARGS='IP=10.1.2.5;'", "CNI_ARGS")]
    [InlineData("CNI_ARGS='MAC=02:00:00:00:00:01'", "MAC")]
    [InlineData("CNI_ARGS='IP=10.1.2'", "10.1.2")]
    public void Variables_that_are_no_text_get_code_4(string assignment, string named)
    {
        Refused(Shell($"export {assignment}; exec \"$PLUGIN\"", Good), 4, named);
        World.Of(_host).AssertEqual(_before);
    }

    [Theory, MemberData(nameof(Types))]
    public void Variables_of_others_that_are_no_text_do_not_matter(string type)
    {
        CniCall call = Shell("export OTHER=$(printf '\\377\\376') LANG=$(printf '\\200'); unset HOME; exec \"$PLUGIN\"", Good, type);

        Assert.Equal(0, call.Tool.ExitCode);
    }

    [Theory, MemberData(nameof(Types))]
    public void A_closed_standard_input_is_an_empty_configuration(string type)
    {
        Refused(Shell("exec \"$PLUGIN\" <&-", "", type), 6, "empty");
        World.Of(_host).AssertEqual(_before);
    }

    [Fact]
    public void An_add_whose_answer_nobody_gets_is_undone()
    {
        CniCall broken = Shell("\"$PLUGIN\" >/dev/full; exit $?", Good);

        Assert.Equal(1, broken.Tool.ExitCode);
        Assert.Contains("standard output", broken.Tool.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("10.1.2.2:", World.Of(_host).Difference(_before), StringComparison.Ordinal);
    }

    [Fact]
    public void Closed_outputs_are_no_reason_to_crash()
    {
        Assert.Equal(0, Shell("exec \"$PLUGIN\" >&- 2>&-", Good).Tool.ExitCode);
        Assert.Equal(1, Shell("exec \"$PLUGIN\" >&- 2>&-", "nonsense").Tool.ExitCode);
        Assert.Equal(1, Shell("exec \"$PLUGIN\" <&- >&- 2>&-", "").Tool.ExitCode);
    }

    [Theory, MemberData(nameof(Types))]
    public void Version_answers_without_reading_and_no_command_says_what_it_is(string type)
    {
        string versions = string.Join("\",\"", Versions.All.Select(static row => row.Data));
        CniCall version = _host.Call("VERSION", type, "not read", new Dictionary<string, string>());
        CniCall about = _host.Call("", type, "", new Dictionary<string, string>());

        Assert.Equal($$"""{"cniVersion":"1.1.0","supportedVersions":["{{versions}}"]}""" + "\n", version.RequireSuccess().Tool.Output);
        Assert.Equal((0, ""), (about.Tool.ExitCode, about.Tool.Output));
        Assert.StartsWith($"CNI {type} plugin v", about.Tool.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Called_by_another_name_it_lists_its_plugins()
    {
        ToolResult other = Run($"ln -s {_host.Binaries}/none run/fridge && exec run/fridge");

        Assert.Equal(1, other.ExitCode);
        Assert.Contains("\"fridge\"", other.Error, StringComparison.Ordinal);
        Assert.Contains("host, host-device, host-local, ipvlan, loopback", other.Error, StringComparison.Ordinal);
        Assert.Equal("", other.Output);
    }

    [Fact]
    public void Called_by_its_own_name_it_answers_list_alone()
    {
        string[] types = Run($"ln -s {_host.Binaries}/none run/cni && exec run/cni --list").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(Directory.EnumerateFiles(_host.Binaries).Select(Path.GetFileName).Order(StringComparer.Ordinal), types.Order(StringComparer.Ordinal));
        foreach (string arguments in new[] { "", "--help", "--list none" })
        {
            ToolResult usage = Run($"exec run/cni {arguments}");
            Assert.Equal((1, ""), (usage.ExitCode, usage.Output));
            Assert.Contains("usage", usage.Error, StringComparison.Ordinal);
        }
    }

    private static void Refused(CniCall call, int code, string named)
    {
        call.RequireError(code);
        Assert.Equal(1, call.Tool.ExitCode);
        Assert.Contains(named, call.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", call.Tool.Error, StringComparison.Ordinal);
    }

    private Dictionary<string, string> Variables(string type) => new()
    {
        ["CNI_CONTAINERID"] = _container.Id,
        ["CNI_NETNS"] = type == "host" ? "" : _container.Netns.Path,
        ["CNI_IFNAME"] = "eth0",
    };

    /// <summary>ADD through a shell, which can do to a process what no library call can.</summary>
    private CniCall Shell(string script, string input, string type = "host-local")
    {
        Dictionary<string, string> variables = Variables(type);
        variables["CNI_COMMAND"] = "ADD";
        variables["CNI_PATH"] = _host.Binaries;
        variables["CNI_PLUGINS_CONFIG"] = _host.ConfigurationFile;
        variables["PLUGIN"] = Path.Combine(_host.Binaries, type);
        return new CniCall("ADD", type, input, _host.Netns.TryExec("/bin/sh", ["-c", script], input, variables));
    }

    private ToolResult Run(string script) =>
        _host.Netns.TryExec("/bin/sh", ["-c", $"cd {_host.Root}; {script}"], "", new Dictionary<string, string>());
}
