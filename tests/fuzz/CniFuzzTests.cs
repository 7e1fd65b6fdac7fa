using System.Globalization;
using System.Text;
using System.Text.Json;
using CniPlugins.Cni;

namespace CniPlugins.FuzzTests;

/// <summary>
/// Whatever a runtime, a delegate or the environment says, reading it ends in a value or a <see cref="CniException"/>, and the host
/// answers in JSON. FUZZ_SEED repeats a run, FUZZ_ROUNDS makes it longer.
/// </summary>
public sealed class CniFuzzTests
{
    private static readonly string[] s_results =
    [
        """{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.2/24","gateway":"10.0.0.1","routes":[{"dst":"0.0.0.0/0","gw":"10.0.0.1"}]},"dns":{"search":["a"]}}""",
        """{"cniVersion":"0.4.0","interfaces":[{"name":"eth0","mac":"aa:bb","sandbox":"/x"}],"ips":[{"version":"4","interface":0,"address":"10.0.0.2/24"}],"dns":{},"publishedPorts":[{"hostIP":"127.0.0.1","hostPort":8080,"containerIP":"10.0.0.2","containerPort":80,"protocol":"tcp"}]}""",
        """{"cniVersion":"1.1.0","interfaces":[{"name":"e","mtu":1400}],"ips":[{"address":"fd00::2/64","gateway":"fd00::1","interface":0}],"routes":[{"dst":"::/0","mtu":1,"advmss":2,"priority":3,"table":4,"scope":253}]}""",
    ];

    private static readonly string[] s_configs =
    [
        """{"cniVersion":"1.1.0","name":"n","type":"x","ipam":{"type":"y","ranges":[[{"subnet":"10.0.0.0/24"}]]},"dns":{"domain":"d"},"args":{"cni":{"ips":["1"]}}}""",
        """{"cniVersion":"0.2.0","name":"n","type":"x","runtimeConfig":{"portMappings":[{"HostPort":80}]},"prevResult":{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.2/24"}}}""",
        """{"cniVersion":"1.1.0","name":"n","type":"x","cni.dev/valid-attachments":[{"containerID":"a","ifname":"b"}],"cni.dev/attachments":null,"prevResult":{"ips":[{"address":"10.0.0.2/24"}]}}""",
    ];

    private static readonly string[] s_args =
        ["IP=10.0.0.5;GATEWAY=10.0.0.1", "IgnoreUnknown=1;K8S_POD_NAME=web;MAC=02:00:00:00:00:01", "IgnoreUnknown=0;IP=", ""];

    private static readonly string[] s_verbs = ["ADD", "DEL", "CHECK", "STATUS", "GC", "VERSION", "XX", ""];

    private static readonly int s_seed = FromEnvironment("FUZZ_SEED") ?? Environment.TickCount & int.MaxValue;

    private static readonly int s_rounds = FromEnvironment("FUZZ_ROUNDS") ?? 20000;

    private readonly ITestOutputHelper _output;

    public CniFuzzTests(ITestOutputHelper output) => _output = output;

    [Fact]
    public void Configurations() => Run(s_configs, static bytes => _ = NetworkConfig.Parse(bytes));

    [Fact]
    public void Results() => Run(s_results, static bytes =>
    {
        AddResult result = ResultCodec.Read(bytes, CniVersion.Newest);
        foreach (CniVersion version in CniVersion.Supported)
        {
            if (result.Ips.Count == 0 && version < new CniVersion(0, 3, 0))
            {
                continue;
            }

            // What was read is written as JSON that reads back.
            _ = ResultCodec.Read(ResultCodec.Write(result, version), version);
        }
    });

    [Fact]
    public void Arguments() => Run(s_args, static bytes =>
    {
        CniArgs args = new(Encoding.UTF8.GetString(bytes));
        args.RequireKnown("IP", "GATEWAY");
        _ = args.Find("IP");
    });

    [Fact]
    public void Addresses() => Run(["10.0.0.1/24", "fd00::1/64", "::ffff:1.2.3.4/120", "0.0.0.0/0"], static bytes =>
    {
        if (IpText.FindPrefix(Encoding.UTF8.GetString(bytes)) is { } prefix)
        {
            Assert.Equal(prefix, IpText.FindPrefix(IpText.Format(prefix.Address, prefix.PrefixLength)));
        }
    });

    [Fact]
    public void The_host_always_answers_in_json()
    {
        CniMutator mutator = new(s_seed);
        Report();
        for (int round = 0; round < s_rounds; round++)
        {
            string verb = mutator.Pick(s_verbs);
            Dictionary<string, string> variables = new() { ["CNI_COMMAND"] = verb, ["CNI_PATH"] = "/nowhere", ["CNI_NETNS"] = "/nowhere/ns" };
            variables["CNI_CONTAINERID"] = round % 4 == 0 ? Encoding.UTF8.GetString(mutator.Mutate("c1")) : "c1";
            variables["CNI_IFNAME"] = round % 5 == 0 ? Encoding.UTF8.GetString(mutator.Mutate("eth0")) : "eth0";
            byte[] input = mutator.Mutate(mutator.Pick(s_configs));
            using MemoryStream output = new();
            int exit = PluginHost.Run(new EchoPlugin(), new CniEnvironment(variables, new MemoryStream(input), output, Stream.Null));
            Judge(verb, exit, output.ToArray(), input, round);
        }
    }

    private static void Judge(string verb, int exit, byte[] output, byte[] input, int round)
    {
        string where = $"seed {s_seed}, round {round}, {verb}: {Encoding.UTF8.GetString(input)}";
        if (exit == 0 && (verb is not "ADD" and not "VERSION"))
        {
            Assert.True(output.Length == 0, where);
            return;
        }

        using JsonDocument json = JsonDocument.Parse(output);
        Assert.True(exit is 0 or 1, where);
        if (exit == 1)
        {
            // 999 would be an exception that nobody thought of.
            Assert.True(json.RootElement.GetProperty("code").GetInt32() is > 0 and < 12, where + Encoding.UTF8.GetString(output));
        }
    }

    private void Run(string[] corpus, Action<byte[]> read)
    {
        CniMutator mutator = new(s_seed);
        Report();
        for (int round = 0; round < s_rounds; round++)
        {
            byte[] bytes = mutator.Mutate(mutator.Pick(corpus));
            try
            {
                read(bytes);
            }
            catch (CniException)
            {
                // The other allowed outcome.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {s_seed}, round {round}: {e}\n{Convert.ToHexString(bytes)}");
            }
        }
    }

    private void Report()
    {
        string line = $"FUZZ_SEED={s_seed} FUZZ_ROUNDS={s_rounds}";
        _output.WriteLine(line);
        Console.WriteLine(line);
    }

    private static int? FromEnvironment(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;

    private sealed class EchoPlugin : Plugin
    {
        public override string Type => "echo";

        public override AddResult Add(CniRequest request) => request.Config.PrevResult ?? new AddResult();

        public override void Delete(CniRequest request) => _ = request.Args.Find("IP");
    }
}
