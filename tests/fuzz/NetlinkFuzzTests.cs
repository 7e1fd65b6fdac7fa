using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;
using CniPlugins.Netlink.Uapi;
using CniPlugins.Nftables;
using CniPlugins.Nftables.Conntrack;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.FuzzTests;

/// <summary>
/// Whatever a datagram holds, reading it ends in a value or a <see cref="NetlinkFormatException"/>. Parsers are found by their shape,
/// so that a new one is fuzzed from its first day. FUZZ_SEED repeats a run, FUZZ_ROUNDS makes it longer.
/// </summary>
public sealed class NetlinkFuzzTests
{
    private static readonly int s_seed = FromEnvironment("FUZZ_SEED") ?? Environment.TickCount & int.MaxValue;
    private static readonly int s_rounds = FromEnvironment("FUZZ_ROUNDS") ?? 20000;
    private static readonly byte[][] s_corpus = [.. MakeCorpus()];

    private readonly ITestOutputHelper _output;

    public NetlinkFuzzTests(ITestOutputHelper output) => _output = output;

    /// <summary>A parser: any static method that makes something of a <see cref="NetlinkReply"/>.</summary>
    private delegate object? Parser(NetlinkReply reply);

    public static TheoryData<string> Parsers => [.. FindParsers().Keys.Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Parsers))]
    public void A_parser_answers_or_refuses(string name)
    {
        Parser parser = FindParsers()[name];
        NetlinkMutator mutator = Begin();
        for (int round = 0; round < s_rounds; round++)
        {
            byte[] bytes = mutator.Mutate(s_corpus[mutator.Next(s_corpus.Length)]);
            Judge(round, bytes, () => parser(new NetlinkReply(new NlMsgHdr { Type = 2, Flags = (ushort)mutator.Next(0x400) }, bytes)));
        }
    }

    /// <summary>The whole way of a datagram: through the connection, its errors, and their words.</summary>
    [Fact]
    public void A_connection_answers_or_refuses()
    {
        NetlinkMutator mutator = Begin();
        for (int round = 0; round < s_rounds; round++)
        {
            byte[] payload = s_corpus[mutator.Next(s_corpus.Length)];
            ushort type = (ushort)(mutator.Next(3) == 0 ? mutator.Next(40) : 2 + mutator.Next(2));
            byte[] message = new byte[16 + payload.Length];
            BitConverter.TryWriteBytes(message, message.Length);
            BitConverter.TryWriteBytes(message.AsSpan(4), type);
            BitConverter.TryWriteBytes(message.AsSpan(6), (ushort)(mutator.Next(4) << 8));
            BitConverter.TryWriteBytes(message.AsSpan(8), 1u);
            payload.CopyTo(message, 16);
            byte[] bytes = mutator.Mutate(message);
            OneDatagram socket = new(bytes);
            Judge(round, bytes, () =>
            {
                try
                {
                    switch (round % 4)
                    {
                        case 0:
                            return RouteConnection.Open(socket).ListLinks();
                        case 1:
                            return RouteConnection.Open(socket).FindLink("eth0");
                        case 2:
                            return NftConnection.Open(socket).CountRules(new NftTable(NFPROTO.INET, "t"));
                        default:
                            return ConntrackConnection.Open(socket).Delete(ConntrackFilter.ToPort(17, 53));
                    }
                }
                catch (Exception e) when (e is NetlinkException or LinuxException)
                {
                    return e.Message;   // the datagram was a refusal, or held no answer
                }
            });
        }
    }

    [Fact]
    public void A_commit_answers_or_refuses()
    {
        NetlinkMutator mutator = Begin();
        NftSet set = new(new NftTable(NFPROTO.INET, "t"), "s", [NftDataType.Ipv4Address]);
        for (int round = 0; round < s_rounds; round++)
        {
            byte[] refusal = [36, 0, 0, 0, 2, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, .. new byte[16]];
            byte[] bytes = mutator.Mutate([.. refusal, .. refusal]);
            Judge(round, bytes, () =>
            {
                NftTransaction transaction = new();
                transaction.TryDeleteElement(set, new NftElement([1, 2, 3, 4]));
                transaction.TryDeleteElement(set, new NftElement([1, 2, 3, 5]));
                try
                {
                    NftConnection.Open(new OneDatagram(bytes)).Commit(transaction);
                    return null;
                }
                catch (Exception e) when (e is NftException or LinuxException)
                {
                    return e.Message;
                }
            });
        }
    }

    [Fact]
    public void The_parsers_are_found() => Assert.Superset(
        new HashSet<string> { "LinkParser.Parse", "RouteParser.Parse", "NftElementParser.Parse", "ConntrackParser.Parse", "KernelError.Parse" },
        new HashSet<string>(FindParsers().Keys));

    private static Dictionary<string, Parser> FindParsers() => new[] { typeof(NetlinkConnection).Assembly, typeof(NftConnection).Assembly }
        .SelectMany(static assembly => assembly.GetTypes())
        .Where(static type => !type.Name.Contains('<', StringComparison.Ordinal))
        .SelectMany(static type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        .Where(static method => method.ReturnType.IsClass && method.GetParameters() is [{ ParameterType: { } only }] && only == typeof(NetlinkReply)
            || method.ReturnType.IsInterface && method.GetParameters() is [{ ParameterType: { } one }] && one == typeof(NetlinkReply))
        .ToDictionary(static method => $"{method.DeclaringType!.Name}.{method.Name}", static method => method.CreateDelegate<Parser>());

    private static IEnumerable<byte[]> MakeCorpus()
    {
        byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];
        byte[] bridge = [.. Attribute(1, Text("bridge")), .. Attribute(2, Attribute(7, [1]))];
        byte[] port = [.. Attribute(1, Text("veth")), .. Attribute(4, Text("bridge")), .. Attribute(5, [.. Attribute(1, [3]), .. Attribute(4, [1])])];
        yield return [.. new byte[16], .. Attribute(3, Text("br0")), .. Attribute(4, [0, 5, 0, 0]), .. Attribute(18, bridge)];
        yield return [.. new byte[16], .. Attribute(1, [2, 0, 0, 0, 0, 1]), .. Attribute(18, port), .. Attribute(52, Attribute(53, Text("alt")))];
        yield return [2, 24, 0, 0, 1, 0, 0, 0, .. Attribute(1, [10, 0, 0, 1]), .. Attribute(2, [10, 0, 0, 1]), .. Attribute(8, [2, 0, 0, 0])];
        yield return [10, 64, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0, .. Attribute(1, IPAddress.IPv6Loopback.GetAddressBytes()), .. Attribute(8, Attribute(2, [5, 5, 0, 0])),
            .. Attribute(9, [28, 0, 0, 0, 4, 0, 0, 0, .. Attribute(5, IPAddress.IPv6Loopback.GetAddressBytes())])];
        yield return [1, 0, 0, 0, .. Attribute(3, Attribute(1, [.. Attribute(1, Attribute(1, [10, 0, 0, 1])), .. Attribute(6, [0, 4, .. Text("web")])]))];
        byte[] tuple = [.. Attribute(1, [.. Attribute(1, [10, 0, 0, 1]), .. Attribute(2, [10, 0, 0, 2])]), .. Attribute(2, [.. Attribute(1, [17]), .. Attribute(3, [0, 53])])];
        yield return [2, 0, 0, 0, .. Attribute(1, tuple), .. Attribute(2, tuple), .. Attribute(12, [0, 0, 0, 1])];
        yield return [237, 255, 255, 255, 32, 0, 0, 0, .. new byte[12], .. Attribute(1, Text("words")), .. Attribute(2, [40, 0, 0, 0])];
    }

    private static byte[] Attribute(ushort type, byte[] value)
    {
        byte[] bytes = new byte[(4 + value.Length + 3) & ~3];
        BitConverter.TryWriteBytes(bytes, (ushort)(4 + value.Length));
        BitConverter.TryWriteBytes(bytes.AsSpan(2), type);
        value.CopyTo(bytes, 4);
        return bytes;
    }

    private static void Judge(int round, byte[] bytes, Func<object?> read)
    {
        try
        {
            _ = read();
        }
        catch (NetlinkFormatException)
        {
            // The other allowed outcome.
        }
        catch (Exception e)
        {
            Assert.Fail($"seed {s_seed}, round {round}: {e}\n{Convert.ToHexString(bytes)}");
        }
    }

    private NetlinkMutator Begin()
    {
        string line = $"FUZZ_SEED={s_seed} FUZZ_ROUNDS={s_rounds}";
        _output.WriteLine(line);
        Console.WriteLine(line);
        return new NetlinkMutator(s_seed);
    }

    private static int? FromEnvironment(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;

    /// <summary>Answers each send with the same datagram, and has nothing else to say.</summary>
    private sealed class OneDatagram(byte[] bytes) : INetlinkSocket, INetlinkSockets
    {
        private bool _ready;

        public INetlinkSocket Open(NETLINK protocol) => this;

        public void Send(ReadOnlySpan<byte> datagram) => _ready = true;

        public int Peek() => _ready ? bytes.Length : throw new LinuxException("recv", null, Errno.EAGAIN);

        public int Receive(Span<byte> buffer)
        {
            _ready = false;
            bytes.CopyTo(buffer);
            return bytes.Length;
        }

        public void SetReceiveTimeout(TimeSpan timeout)
        {
            // Nobody waits.
        }

        public void Join(RTNLGRP group)
        {
            // No announcements.
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
