using System.Net;
using CniPlugins.Cni;
using CniPlugins.Linux;

namespace CniPlugins.UnitTests.Cni;

public sealed class PluginHostTests
{
    private const string WithPrevious =
        """{"cniVersion":"1.1.0","name":"net","type":"fake","prevResult":{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.2/24"}]}}""";

    [Theory]
    [InlineData("ADD", "CNI_CONTAINERID", 4)]
    [InlineData("ADD", "CNI_NETNS", 4)]
    [InlineData("ADD", "CNI_IFNAME", 4)]
    [InlineData("ADD", "CNI_PATH", 4)]
    [InlineData("DEL", "CNI_CONTAINERID", 4)]
    [InlineData("DEL", "CNI_NETNS", 0)]
    [InlineData("DEL", "CNI_IFNAME", 4)]
    [InlineData("DEL", "CNI_PATH", 4)]
    [InlineData("CHECK", "CNI_CONTAINERID", 4)]
    [InlineData("CHECK", "CNI_NETNS", 4)]
    [InlineData("CHECK", "CNI_IFNAME", 4)]
    [InlineData("CHECK", "CNI_PATH", 4)]
    [InlineData("STATUS", "CNI_CONTAINERID", 0)]
    [InlineData("STATUS", "CNI_NETNS", 0)]
    [InlineData("STATUS", "CNI_IFNAME", 0)]
    [InlineData("STATUS", "CNI_PATH", 4)]
    [InlineData("GC", "CNI_CONTAINERID", 0)]
    [InlineData("GC", "CNI_NETNS", 0)]
    [InlineData("GC", "CNI_IFNAME", 0)]
    [InlineData("GC", "CNI_PATH", 4)]
    [InlineData("VERSION", "CNI_PATH", 0)]
    public void CF_10_environment_table(string verb, string variable, int code)
    {
        foreach (string? absent in new[] { null, "" })
        {
            Call call = new Call(verb).With(WithPrevious).Set(variable, absent);
            if (code == 0)
            {
                call.Succeeds();
            }
            else
            {
                Assert.Contains(variable, call.Fails(code).Message, StringComparison.Ordinal);
                Assert.Empty(call.Plugin.Calls);
            }
        }
    }

    [Fact]
    public void CF_10_all_missing_variables_are_reported_together_and_stdin_is_not_read()
    {
        Call call = new("ADD") { Input = new UnreadableStream() };
        call.Set("CNI_CONTAINERID", null).Set("CNI_NETNS", "").Set("CNI_IFNAME", null).Set("CNI_PATH", null).Fails(4);
        Assert.Contains("[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH]", call.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CNI_CONTAINERID", "-a")]
    [InlineData("CNI_CONTAINERID", "a/b")]
    [InlineData("CNI_CONTAINERID", "a\n")]
    [InlineData("CNI_CONTAINERID", "..")]
    [InlineData("CNI_CONTAINERID", "é")]
    [InlineData("CNI_IFNAME", "1234567890123456")]
    [InlineData("CNI_IFNAME", "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9")]
    [InlineData("CNI_IFNAME", ".")]
    [InlineData("CNI_IFNAME", "..")]
    [InlineData("CNI_IFNAME", "a/b")]
    [InlineData("CNI_IFNAME", "a:b")]
    [InlineData("CNI_IFNAME", "a b")]
    [InlineData("CNI_IFNAME", "a\n")]
    [InlineData("CNI_IFNAME", "a\u3000")]
    [InlineData("CNI_IFNAME", "a\uFFFD")]
    public void CF_10_a_malformed_name_fails_at_once(string variable, string value)
    {
        Call call = new Call("ADD").Set("CNI_PATH", null).Set(variable, value).Fails(4);
        Assert.Contains(variable, call.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("CNI_PATH", call.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_malformed_name_does_not_matter_to_a_verb_that_does_not_need_it() =>
        new Call("STATUS").Set("CNI_CONTAINERID", "/").Set("CNI_IFNAME", "a/b").Succeeds();

    [Fact]
    public void CF_10_no_command_prints_the_about_line()
    {
        Call call = new Call("") { Input = new UnreadableStream() }.Succeeds();
        Assert.Equal("", call.Output);
        Assert.Equal(
            $"CNI fake plugin v{PluginHost.ProductVersion}\n" +
            "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n",
            call.Error);
    }

    [Fact]
    public void CF_10_version_answers_on_one_line_and_does_not_read_stdin()
    {
        Call call = new Call("VERSION") { Input = new UnreadableStream() }
            .Set("CNI_NETNS", "dummy").Set("CNI_IFNAME", "dummy").Set("CNI_PATH", "dummy").Set("CNI_CONTAINERID", "").Succeeds();
        Assert.Equal(
            "{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n",
            call.Output);
    }

    [Theory]
    [InlineData("XX")]
    [InlineData("add")]
    public void CF_10_unknown_command(string verb) => Assert.Contains(verb, new Call(verb).Fails(4).Message, StringComparison.Ordinal);

    [Fact]
    public void CF_10_unreadable_stdin()
    {
        Call call = new("ADD") { Input = new UnreadableStream() };
        call.Fails(5);
    }

    [Theory]
    [InlineData("", 6)]
    [InlineData("  \n", 6)]
    [InlineData("{", 6)]
    [InlineData("{}{}", 6)]
    [InlineData("[]", 6)]
    [InlineData("null", 6)]
    [InlineData("\"x\"", 6)]
    [InlineData("{} // c", 6)]
    [InlineData("""{"name":5}""", 6)]
    [InlineData("""{"cniVersion":1,"name":"n"}""", 6)]
    [InlineData("""{"cniVersion":"9.9.9"}""", 7)]
    [InlineData("""{"cniVersion":"9.9.9","name":""}""", 7)]
    [InlineData("""{"cniVersion":"9.9.9","name":"a/b"}""", 7)]
    [InlineData("""{"name":".."}""", 7)]
    [InlineData("""{"name":"a\n"}""", 7)]
    [InlineData("""{"cniVersion":"9.9.9","name":"n","ipam":5}""", 1)]
    [InlineData("""{"cniVersion":"1","name":"n"}""", 1)]
    [InlineData("""{"cniVersion":"01.1.0","name":"n"}""", 1)]
    [InlineData("""{"cniVersion":"1.1.0","name":"n","ipam":5}""", 6)]
    public void CF_10_stdin_is_judged_in_the_order_json_name_version(string input, int code)
    {
        Call call = new Call("ADD").With(input).Fails(code);
        Assert.Empty(call.Plugin.Calls);
    }

    [Theory]
    [InlineData("CHECK", "0.3.1", 1)]
    [InlineData("CHECK", "0.1.0", 1)]
    [InlineData("CHECK", "0.4.0", 0)]
    [InlineData("STATUS", "1.0.0", 1)]
    [InlineData("STATUS", "1.1.0", 0)]
    [InlineData("GC", "1.0.0", 1)]
    [InlineData("GC", "1.1.0", 0)]
    [InlineData("DEL", "0.1.0", 0)]
    [InlineData("DEL", "1.2.0", 1)]
    [InlineData("DEL", "", 0)]
    public void CF_10_versions_per_verb(string verb, string version, int code)
    {
        Call call = new Call(verb).With("{\"cniVersion\":\"" + version + "\",\"name\":\"n\",\"prevResult\":{}}");
        _ = code == 0 ? call.Succeeds() : call.Fails(code);
    }

    [Fact]
    public void CF_10_a_missing_version_is_0_1_0()
    {
        Call call = new("ADD");
        call.Plugin.Result = new AddResult { Ips = [new ResultIp(IPAddress.Parse("10.1.0.5"), 24)] };
        call.With("""{"name":"n"}""").Succeeds();
        Assert.Equal("0.1.0", call.Json.GetProperty("cniVersion").GetString());
    }

    [Fact]
    public void A_version_that_the_plugin_does_not_list_is_refused()
    {
        Call call = new("ADD");
        call.Plugin.Spoken = [new CniVersion(0, 4, 0), new CniVersion(1, 1, 0)];
        Assert.Contains("0.4.0, 1.1.0", call.With("""{"cniVersion":"1.0.0","name":"n"}""").Fails(1).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CF_10_a_typed_error_passes_unchanged_with_its_indentation()
    {
        Call call = new("ADD");
        call.Plugin.Failure = new CniException(CniErrorCode.TryAgainLater, "wait <here>", "kernel: \"busy\"");
        Assert.Equal(
            "{\n    \"code\": 11,\n    \"msg\": \"wait \\u003chere\\u003e\",\n    \"details\": \"kernel: \\\"busy\\\"\"\n}",
            call.Fails(11).Output);
        Assert.Equal("", call.Error);
    }

    [Fact]
    public void CF_10_an_untyped_error_is_999_and_its_stack_goes_to_stderr_only()
    {
        Call call = new("DEL");
        call.Plugin.Failure = new InvalidOperationException("odd");
        Assert.Contains("odd", call.Fails(999).Message, StringComparison.Ordinal);
        Assert.Contains(" at ", call.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(nameof(FakePlugin), call.Output, StringComparison.Ordinal);
        Assert.False(call.Json.TryGetProperty("details", out _));
        Assert.False(call.Json.TryGetProperty("cniVersion", out _));
    }

    [Fact]
    public void A_failed_system_call_is_5()
    {
        Call call = new("DEL");
        call.Plugin.Failure = new LinuxException("open", "/x", Errno.EACCES);
        Assert.Contains("EACCES", call.Fails(5).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ADD", "{\n    \"cniVersion\": \"1.1.0\"\n}")]
    [InlineData("DEL", "")]
    [InlineData("CHECK", "")]
    [InlineData("STATUS", "")]
    [InlineData("GC", "")]
    public void Success_prints_a_result_or_nothing(string verb, string output)
    {
        Call call = new Call(verb).With(WithPrevious).Succeeds();
        Assert.Equal(output, call.Output);
        Assert.Single(call.Plugin.Calls);
    }

    [Fact]
    public void Check_without_prevResult_is_7() => new Call("CHECK").Fails(7);

    [Fact]
    public void The_request_carries_what_the_runtime_said()
    {
        Call call = new Call("ADD").With(WithPrevious).Set("CNI_ARGS", "MAC=x").Succeeds();
        CniRequest request = call.Plugin.Request!;
        Assert.Equal(new AttachmentId("net", "c1", "eth0"), request.Attachment);
        Assert.Equal("/nowhere/ns", request.NetnsPath);
        Assert.Equal("/nowhere/bin", request.CniPath);
        Assert.Equal("x", request.Args.Find("MAC"));
        Assert.Equal("10.0.0.2/24", Assert.Single(request.Config.PrevResult!.Ips).Text);
        Assert.Equal(WithPrevious, System.Text.Encoding.UTF8.GetString(request.Config.Bytes.Span));
    }

    [Fact]
    public void Delete_goes_on_with_a_prevResult_that_cannot_be_read()
    {
        Call call = new Call("DEL").With("""{"cniVersion":"1.1.0","name":"n","prevResult":{"ips":[{"address":"bad"}]}}""").Succeeds();
        Assert.Null(call.Plugin.Request!.Config.PrevResult);
        Assert.Contains("prevResult", call.Error, StringComparison.Ordinal);
        new Call("ADD").With("""{"cniVersion":"1.1.0","name":"n","prevResult":{"ips":[{"address":"bad"}]}}""").Fails(7);
    }

    [Fact]
    public void A_result_that_the_version_cannot_express_is_undone()
    {
        Call call = new Call("ADD").With("""{"cniVersion":"0.2.0","name":"n"}""").Fails(1);
        Assert.Equal([CniVerb.Add, CniVerb.Delete], call.Plugin.Calls);
        Assert.Contains("no valid IP addresses", call.Json.GetProperty("details").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ADD", 4)]
    [InlineData("GC", 64)]
    public void An_endless_stdin_is_refused_at_the_limit(string verb, int megabytes)
    {
        EndlessStream input = new();
        Call call = new(verb) { Input = input };
        Assert.Contains($"{megabytes} MiB", call.Fails(6).Message, StringComparison.Ordinal);
        Assert.InRange(input.Given, megabytes << 20, (megabytes << 20) + (64 << 10));
    }

    [Fact]
    public void A_configuration_of_just_under_the_limit_is_read()
    {
        string padding = new(' ', (4 << 20) - Call.Network.Length);
        new Call("ADD").With(Call.Network + padding).Succeeds();
        new Call("ADD").With(Call.Network + padding + " ").Fails(6);
    }

    [Fact]
    public void Deep_nesting_is_an_error_and_not_a_crash()
    {
        new Call("ADD").With(Nested(9000, "")).Succeeds();
        new Call("ADD").With(Nested(10000, "")).Fails(6);
        new Call("ADD").With(Nested(2000000, "")).Fails(6);
        new Call("ADD").With(string.Concat(Enumerable.Repeat("{\"a\":", 700000))).Fails(6);
    }

    [Fact]
    public void Deep_and_large_at_once_is_refused_since_reading_it_would_take_depth_times_size()
    {
        string numbers = string.Concat(Enumerable.Repeat("1,", 1_900_000)) + "1";
        new Call("ADD").With(Nested(100, numbers)).Succeeds();
        new Call("ADD").With(Nested(9000, numbers)).Fails(6);
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_replaced()
    {
        byte[] bytes = [.. """{"cniVersion":"1.1.0","name":"n","x":"a"""u8, 0xff, 0xfe, .. "\",\"y\":\"\\ud800z\"}"u8];
        Call call = new("ADD") { Input = new MemoryStream(bytes) };
        call.Succeeds();
        Assert.Equal("a\uFFFD\uFFFD", call.Plugin.Request!.Config.Root.FindString("x"));
        Assert.Equal("\uFFFDz", call.Plugin.Request.Config.Root.FindString("y"));
    }

    [Fact]
    public void A_closed_stdout_is_an_exit_code_and_a_line_on_stderr()
    {
        using MemoryStream error = new();
        Dictionary<string, string> variables = new() { ["CNI_COMMAND"] = "VERSION" };
        int exit = PluginHost.Run(new FakePlugin(), new CniEnvironment(variables, Stream.Null, new UnreadableStream(), error));
        Assert.Equal(1, exit);
        Assert.True(error.Length > 0);
    }

    [Fact]
    public void Warnings_are_one_line_each()
    {
        Call call = new Call("ADD").Succeeds();
        using MemoryStream error = new();
        new CniEnvironment(new Dictionary<string, string>(), Stream.Null, Stream.Null, error).Warn("a\nb\u001b[31m");
        Assert.Equal("a b [31m\n", System.Text.Encoding.UTF8.GetString(error.ToArray()));
        Assert.Equal("", call.Error);
    }

    private static string Nested(int depth, string inner) =>
        """{"cniVersion":"1.1.0","name":"n","x":""" + new string('[', depth) + inner + new string(']', depth) + "}";
}
