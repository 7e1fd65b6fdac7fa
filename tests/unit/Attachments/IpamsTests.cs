using System.Text;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Netlink;

namespace CniPlugins.UnitTests.Attachments;

/// <summary>Which address management serves a network, and how another's executable is treated.</summary>
public sealed class IpamsTests : IDisposable
{
    private const string Network = """{"cniVersion":"1.1.0","name":"net","ipam":{"type":"third"} }""";

    private readonly string _folder = Directory.CreateTempSubdirectory("cni-ipam-").FullName;
    private readonly MemoryStream _log = new();

    public void Dispose()
    {
        _log.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("""{"cniVersion":"1.1.0","name":"net"}""", null)]
    [InlineData("""{"cniVersion":"1.1.0","name":"net","ipam":{} }""", null)]
    [InlineData("""{"cniVersion":"1.1.0","name":"net","ipam":{"type":""} }""", null)]
    [InlineData("""{"cniVersion":"1.1.0","name":"net","ipam":null}""", null)]
    [InlineData("""{"cniVersion":"1.1.0","name":"net","ipam":{"type":"host-local"} }""", typeof(HostLocalIpam))]
    [InlineData("""{"cniVersion":"1.1.0","name":"net","ipam":{"type":"static"} }""", typeof(StaticIpam))]
    [InlineData("""{"cniVersion":"1.1.0","name":"net","ipam":{"type":"whereabouts"} }""", typeof(DelegatedIpam))]
    public void The_type_chooses(string network, Type? expected) =>
        Assert.Equal(expected, Ipams.Select(Requests.Of(CniVerb.Add, network), new HostSettings(), NetlinkSocket.Kernel)?.GetType());

    [Fact]
    public void Interfaces_in_a_delegates_result_are_left_out()
    {
        Install("""printf '{"cniVersion":"1.0.0","interfaces":[{"name":"x"}],"ips":[{"address":"10.0.0.2/24","interface":0}],"dns":{"search":["a"]}}'""");

        AddResult result = Delegate().Add(Request(CniVerb.Add));

        Assert.Empty(result.Interfaces);
        Assert.Equal(("10.0.0.2/24", null), (Assert.Single(result.Ips).Text, result.Ips[0].Interface));
        Assert.Equal(["a"], result.Dns.Search);
    }

    [Theory]
    [InlineData("""printf '{"code":11,"msg":"full"}'; exit 1""", CniErrorCode.TryAgainLater)]
    [InlineData("echo nonsense", CniErrorCode.DecodingFailure)]
    public void After_a_failed_add_it_is_run_again_with_del(string add, CniErrorCode code)
    {
        Install($"echo $CNI_COMMAND >> {_folder}/calls; [ $CNI_COMMAND = DEL ] || {{ {add}; }}");

        CniException e = Assert.Throws<CniException>(() => Delegate().Add(Request(CniVerb.Add)));

        Assert.Equal(code, e.Code);
        Assert.Equal(["ADD", "DEL"], File.ReadAllLines($"{_folder}/calls"));
    }

    [Fact]
    public void When_that_fails_too_the_first_failure_is_reported_and_the_second_is_logged()
    {
        Install("""printf '{"code":11,"msg":"'$CNI_COMMAND' failed"}'; exit 1""");

        Assert.Equal("third: ADD failed", Assert.Throws<CniException>(() => Delegate().Add(Request(CniVerb.Add))).Message);
        Assert.Contains("DEL failed", Encoding.UTF8.GetString(_log.ToArray()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CniVerb.Delete, "DEL")]
    [InlineData(CniVerb.Check, "CHECK")]
    [InlineData(CniVerb.Status, "STATUS")]
    [InlineData(CniVerb.Gc, "GC")]
    public void Other_verbs_are_passed_on_with_the_whole_configuration(CniVerb verb, string word)
    {
        Install($"echo $CNI_COMMAND > {_folder}/call; cat > {_folder}/stdin");

        Call(Delegate(), verb);

        Assert.Equal(word, File.ReadAllText($"{_folder}/call").Trim());
        Assert.Equal(Network, File.ReadAllText($"{_folder}/stdin"));
    }

    [Theory]
    [InlineData(CniVerb.Add)]
    [InlineData(CniVerb.Delete)]
    [InlineData(CniVerb.Gc)]
    public void One_that_is_not_installed_is_named(CniVerb verb)
    {
        CniException e = Assert.Throws<CniException>(() => Call(Delegate(), verb));

        Assert.Equal(CniErrorCode.InvalidConfig, e.Code);
        Assert.Contains("third", e.Message, StringComparison.Ordinal);
    }

    private void Call(DelegatedIpam ipam, CniVerb verb)
    {
        CniRequest request = Request(verb);
        switch (verb)
        {
            case CniVerb.Add:
                ipam.Add(request);
                break;
            case CniVerb.Delete:
                ipam.Delete(request);
                break;
            case CniVerb.Check:
                ipam.Check(request);
                break;
            case CniVerb.Status:
                ipam.Status(request);
                break;
            default:
                ipam.Gc(request);
                break;
        }
    }

    private static DelegatedIpam Delegate() => new("third");

    private CniRequest Request(CniVerb verb) => Requests.Of(verb, Network, path: _folder, error: _log);

    private void Install(string script)
    {
        File.WriteAllText($"{_folder}/third", "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode($"{_folder}/third", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
