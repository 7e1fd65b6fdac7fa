using System.Text;
using CniPlugins.Cni;

namespace CniPlugins.UnitTests.Cni;

public sealed class DelegatePluginTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cni-delegate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_result_is_read_in_its_own_version_and_stderr_is_passed_on()
    {
        Install("""echo hello >&2; printf '{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.2/24","routes":[{"dst":"0.0.0.0/0"}]}}'""");
        Call call = Caller();
        AddResult result = Delegate(call).Add();
        Assert.Equal("10.0.0.2/24", Assert.Single(result.Ips).Text);
        Assert.Equal("0.0.0.0/0", Assert.Single(result.Routes).Text);
        Assert.Equal("hello\n", _log.ToString());
    }

    [Fact]
    public void It_gets_the_environment_with_its_verb_and_the_whole_configuration()
    {
        Install($"cat > {_folder}/stdin; env | sort > {_folder}/env; echo \"$0\" > {_folder}/name");
        Delegate(Caller()).Delete();
        Assert.Equal(Call.Network, File.ReadAllText($"{_folder}/stdin"));
        Assert.Equal($"{_folder}/third\n", File.ReadAllText($"{_folder}/name"));
        string[] variables = File.ReadAllLines($"{_folder}/env");
        Assert.Contains("CNI_COMMAND=DEL", variables);
        Assert.Contains("CNI_CONTAINERID=c1", variables);
        Assert.Contains("CNI_IFNAME=eth0", variables);
        Assert.Contains("EXTRA=ä=1", variables);
        Assert.Single(variables, static line => line.StartsWith("CNI_COMMAND=", StringComparison.Ordinal));
    }

    [Fact]
    public void Other_bytes_may_be_given()
    {
        Install($"cat > {_folder}/stdin");
        Delegate(Caller()).Gc(Encoding.UTF8.GetBytes("other"));
        Assert.Equal("other", File.ReadAllText($"{_folder}/stdin"));
    }

    [Theory]
    [InlineData("""printf '{"code":11,"msg":"full","details":"d"}'; exit 1""", 11, "third: full", "d")]
    [InlineData("""printf '{"cniVersion":"1.0.0","code":50,"msg":"no addresses left"}'; exit 1""", 50, "third: no addresses left", null)]
    [InlineData("echo 'it broke' >&2; exit 3", 999, "third: it broke", "exit code 3")]
    [InlineData("exit 2", 999, "third failed on ADD without a word (exit code 2)", "exit code 2")]
    [InlineData("kill -9 $$", 999, "third failed on ADD without a word (signal 9)", "signal 9")]
    public void Its_error_is_kept_and_names_it(string script, int code, string message, string? details)
    {
        Install(script);
        CniException e = Assert.Throws<CniException>(() => Delegate(Caller()).Add());
        Assert.Equal((code, message, details), ((int)e.Code, e.Message, e.Details));
    }

    [Fact]
    public void Words_that_are_no_error_object_are_shown()
    {
        Install("echo panic: oops; exit 1");
        CniException e = Assert.Throws<CniException>(() => Delegate(Caller()).Check());
        Assert.Equal(CniErrorCode.Internal, e.Code);
        Assert.Equal("panic: oops\n", e.Details);
    }

    [Theory]
    [InlineData("")]
    [InlineData("echo hello")]
    [InlineData("""echo '{"ips":[{"address":"nonsense"}]}'""")]
    public void A_result_that_cannot_be_used_is_an_error_that_names_it(string script)
    {
        Install(script);
        Assert.StartsWith("third ", Assert.Throws<CniException>(() => Delegate(Caller()).Add()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Large_streams_on_all_sides_do_not_block()
    {
        Install("head -c 3000000 /dev/zero | tr '\\0' x >&2; head -c 3000000 /dev/zero | tr '\\0' ' '; cat > /dev/null; echo '{}'");
        Assert.Empty(Delegate(Caller()).Add(new byte[5_000_000]).Ips);
        Assert.Equal(3_000_000, _log.Length);
    }

    [Fact]
    public void A_child_that_does_not_read_its_input_is_no_failure()
    {
        Install("exec <&-; echo '{}'");
        Assert.Empty(Delegate(Caller()).Add(new byte[5_000_000]).Ips);
    }

    [Fact]
    public void A_child_that_never_stops_writing_is_stopped()
    {
        Install("exec cat /dev/zero");
        Assert.Contains("16 MiB", Assert.Throws<CniException>(() => Delegate(Caller()).Add()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_daemon_that_keeps_the_streams_open_does_not_hold_the_call_up()
    {
        Install($"sleep 600 & echo $! > {_folder}/pid; echo '{{}}'");
        Assert.Empty(Delegate(Caller()).Add().Ips);
        int pid = int.Parse(File.ReadAllText($"{_folder}/pid"), System.Globalization.CultureInfo.InvariantCulture);
        using System.Diagnostics.Process left = System.Diagnostics.Process.GetProcessById(pid);
        Assert.False(left.HasExited);
        left.Kill();
    }

    [Fact]
    public void It_starts_in_the_namespace_of_the_calling_thread()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "making a network namespace needs CAP_SYS_ADMIN");
        Install("""printf '{"dns":{"domain":"%s"}}' "$(readlink /proc/self/ns/net)" """);
        string? own = null;
        string? childs = null;
        Call call = Caller();
        // The thread ends in its namespace and is never used again.
        Thread thread = new(() =>
        {
            Assert.Equal(0, Tmds.Linux.LibC.unshare(Tmds.Linux.LibC.CLONE_NEWNET));
            own = File.ResolveLinkTarget("/proc/thread-self/ns/net", returnFinalTarget: false)!.Name;
            childs = Delegate(call).Add().Dns.Domain;
        });
        thread.Start();
        thread.Join();
        Assert.Equal(own, childs);
        Assert.NotEqual(File.ResolveLinkTarget("/proc/thread-self/ns/net", returnFinalTarget: false)!.Name, childs);
    }

    [Fact]
    public void SIGPIPE_has_its_default_action_in_the_child()
    {
        Install("""printf '{"dns":{"domain":"%s"}}' "$(grep SigIgn /proc/self/status | tr -d '\t\n')" """);
        string mask = Delegate(Caller()).Add().Dns.Domain!.Split(':')[1];
        Assert.Equal(0, Convert.ToInt64(mask, 16) & (1 << 12));
    }

    [Fact]
    public void The_first_regular_file_of_CNI_PATH_is_taken()
    {
        Directory.CreateDirectory($"{_folder}/a/third");
        Directory.CreateDirectory($"{_folder}/b");
        Install("exit 0");
        File.Copy($"{_folder}/third", $"{_folder}/b/third");
        Call call = new Call("DEL").Set("CNI_PATH", $"/nowhere::{_folder}/a:{_folder}/b:{_folder}").Succeeds();
        Assert.Equal($"{_folder}/b/third", DelegatePlugin.Get(call.Plugin.Request!, "third").Path);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("absent")]
    [InlineData("../third")]
    [InlineData("..")]
    public void What_cannot_be_found_is_7(string? type)
    {
        Install("exit 0");
        Call call = Caller();
        Assert.Equal(CniErrorCode.InvalidConfig, Assert.Throws<CniException>(() => DelegatePlugin.Get(call.Plugin.Request!, type)).Code);
    }

    [Fact]
    public void What_is_found_and_not_executable_says_so()
    {
        File.WriteAllText($"{_folder}/third", "#!/bin/sh\n");
        CniException e = Assert.Throws<CniException>(() => Delegate(Caller()).Delete());
        Assert.Equal(CniErrorCode.IoFailure, e.Code);
        Assert.Contains("EACCES", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_being_written_is_waited_for()
    {
        File.Copy("/bin/true", $"{_folder}/third");
        using FileStream writer = new($"{_folder}/third", FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        Thread closer = new(() =>
        {
            Thread.Sleep(150);
            writer.Dispose();
        });
        closer.Start();
        Delegate(Caller()).Delete();
        closer.Join();
    }

    private readonly StringBuilder _log = new();

    private void Install(string script)
    {
        File.WriteAllText($"{_folder}/third", "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode($"{_folder}/third", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private Call Caller()
    {
        Call call = new Call("DEL").Set("CNI_PATH", _folder).Set("EXTRA", "ä=1").Set("PATH", "/usr/bin:/bin");
        call.ErrorSink = new LogStream(_log);
        return call.Succeeds();
    }

    private static DelegatePlugin Delegate(Call call) => DelegatePlugin.Get(call.Plugin.Request!, "third");

    private sealed class LogStream(StringBuilder log) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => log.Append(Encoding.UTF8.GetString(buffer));
    }
}
