using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using CniPlugins.Attachments;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.NetnsTests;

/// <summary>Reconciliation as a library: what it believes, what it does at once, and what becomes of it when the kernel refuses or others work at the same time.</summary>
public sealed class ReconcileLibraryTests : IDisposable
{
    private static readonly string s_network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"macspoofchk":true,"isolation":"full"}""");

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;

    public ReconcileLibraryTests()
    {
        _container = _host.Container("web");
        BridgeNet.EnableForwarding(_host);
        _host.Lan.Ip($"route add 10.0.0.0/8 via {TestHost.Address4}");
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void The_kth_request_fails_and_all_is_as_before_or_mended()
    {
        _container.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(8080, 80), BridgeNet.Port(53, 53, "udp", "0.0.0.0")));
        World mended = BridgeNet.World(_host);
        int failed = 0;
        for (int k = 1; ; k++)
        {
            _host.Netns.NftScript("delete table inet cni_plugins");
            World broken = BridgeNet.World(_host);
            FaultingSockets sockets = new(k, Errno.ENOMEM);
            try
            {
                Repair(sockets);
                BridgeNet.World(_host).AssertEqual(mended);
            }
            catch (IOException)
            {
                failed++;
                World now = BridgeNet.World(_host);
                Assert.True(now.Difference(broken).Length == 0 || now.Difference(mended).Length == 0, $"request {k}:\n{now.Difference(mended)}");
            }

            Repair(NetlinkSocket.Kernel);
            BridgeNet.World(_host).AssertEqual(mended);
            if (k > sockets.Requests)
            {
                break;
            }
        }

        Assert.True(failed >= 4, $"only {failed} failures");
    }

    /// <summary>One batch, and so no packet passes by none of the rules; connections under way go on.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_is_one_batch_and_nothing_slips_through_it(bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string address = _container.Add("bridge", s_network, BridgeNet.Ports(
            BridgeNet.Port(8080, 80, hostIp: "0.0.0.0"), BridgeNet.Port(8053, 53, "udp", "0.0.0.0"))).Address();
        using TcpEcho web = new(_container.Netns, 80);
        using UdpEcho datagrams = new(_container.Netns, 53);
        using Socket forbidden = _host.Lan.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        using Socket published = _host.Lan.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        published.ReceiveTimeout = 5000;
        forbidden.Blocking = false;
        published.Connect(TestHost.Address4, 8053);
        forbidden.Connect(address, 53);
        byte[] answer = new byte[512];
        bool stop = false;
        Thread hammer = new(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                forbidden.Send("x"u8);
            }
        });
        hammer.Start();
        for (int i = 0; i < 20; i++)
        {
            published.Send("ping"u8);
            Assert.True(published.Receive(answer) > 0);
            _host.Netns.NftScript("add element inet cni_plugins masqueraded4 { 10.9.9.9 comment \"net1/gone/eth0\" }");
            BatchCounter sockets = new();

            Assert.NotEmpty(Repair(sockets).Differences);

            Assert.Equal(1, sockets.Batches);
        }

        Volatile.Write(ref stop, true);
        hammer.Join();
        Assert.Equal(0, forbidden.Available);
        Assert.Equal("web", Reach.Tcp(_host.Lan, TestHost.Address4, 8080).Server);
    }

    [Fact]
    public void What_cannot_be_believed_is_named_and_passed_over()
    {
        _container.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        Container other = _host.Container("other");
        other.Add("bridge", s_network);
        World before = BridgeNet.World(_host).Where(static line => line.Contains(" nft ", StringComparison.Ordinal));
        string records = Path.Combine(_host.StateDirectory, "attachments/net1");
        string record = Path.Combine(records, $"{_container.Id}:eth0.json");
        JsonObject root = Json.Object(File.ReadAllText(record));
        JsonArray elements = root["elements"]!.AsArray();
        JsonNode port = new JsonObject
        {
            ["set"] = "published4",
            ["key"] = Convert.ToBase64String([127, 0, 0, 1, 6, 0, 0, 0, 0x1f, 0x90, 0, 0]),
            ["comment"] = $"net1/{_container.Id}/eth0",
        };
        JsonNode set = elements.First(static e => e!["set"]!.GetValue<string>() == "masqueraded4")!.DeepClone();
        elements.Add(With(set, "set", "isolated"));
        elements.Add(With(set, "comment", "net1/somebody/eth0"));
        elements.Add(With(set, "key", "CgkJCQkJ"));
        elements.Add(With(port, "data", "CgkJCQAWAAA="));   // leads to 10.9.9.9, port 22
        File.WriteAllText(record, root.ToJsonString());
        File.WriteAllText(Path.Combine(records, "broken:eth0.json"), "{");
        File.WriteAllText(Path.Combine(records, "copied:eth0.json"), root.ToJsonString());
        File.WriteAllText(Path.Combine(records, $"{other.Id}:eth9.json"), With(root, "bootId", "another").ToJsonString());
        File.WriteAllText(Path.Combine(_host.StateDirectory, "attachments/file"), "");
        using (FileStream huge = File.Create(Path.Combine(records, "huge:eth0.json")))
        {
            huge.SetLength(1L << 30);
        }

        _host.Netns.NftScript("flush ruleset");
        IReadOnlyList<string> warnings = Repair(NetlinkSocket.Kernel).Warnings;

        string all = string.Join('\n', warnings);
        Assert.Contains("4 elements that are not its own", all, StringComparison.Ordinal);
        foreach (string name in new[] { "broken:eth0.json", "copied:eth0.json", "huge:eth0.json", "eth9.json", "file" })
        {
            Assert.Contains(name, all, StringComparison.Ordinal);
        }

        BridgeNet.World(_host).Where(static line => line.Contains(" nft ", StringComparison.Ordinal)).AssertEqual(before);
    }

    /// <summary>An address was given on before its last owner's DEL came: it is the later one's.</summary>
    [Fact]
    public void Of_two_records_with_one_key_the_later_one_counts()
    {
        string pinned = BridgeNet.With(s_network, """{"ipam":{"type":"static","addresses":[{"address":"10.1.0.7/24","gateway":"10.1.0.1"}]}}""");
        Container late = _host.Container("late");
        _container.Add("bridge", pinned);
        _container.Netns.Ip("link del eth0");
        late.Add("bridge", pinned);
        World before = BridgeNet.World(_host);
        _host.Netns.NftScript("flush ruleset");

        IReadOnlyList<string> warnings = Repair(NetlinkSocket.Kernel).Warnings;
        Assert.NotEmpty(warnings);
        Assert.All(warnings, warning => Assert.Contains($"{late.Id}/eth0 was there last", warning, StringComparison.Ordinal));

        Assert.Contains(late.Id, Assert.Single(BridgeNet.Elements(_host, "masqueraded4")), StringComparison.Ordinal);
        BridgeNet.World(_host).Where(static line => line.Contains("masqueraded4", StringComparison.Ordinal))
            .AssertEqual(before.Where(static line => line.Contains("masqueraded4", StringComparison.Ordinal)));
    }

    /// <summary>ADDs, DELs and repairs at once, and somebody who takes all of it away: in the end nothing is missing, and nothing is left.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void With_ADD_and_DEL_at_the_same_time(bool flush)
    {
        Container[] workers = [.. Enumerable.Range(0, 4).Select(i => _host.Container($"w{i}"))];
        World empty = BridgeNet.World(_host);
        CniOptions ports = BridgeNet.Ports(BridgeNet.Port(8080, 80));
        _container.Add("bridge", s_network, ports);
        World alone = BridgeNet.World(_host);
        Exception? failure = null;
        int running = workers.Length;
        Thread[] threads = [.. workers.Select((worker, i) => new Thread(() =>
        {
            try
            {
                for (int round = 0; round < 6; round++)
                {
                    worker.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(9000 + i, 80)));
                    worker.Delete("bridge", s_network);
                }

                worker.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(9000 + i, 80)));
            }
            catch (Exception e)
            {
                failure = e;
            }
            finally
            {
                Interlocked.Decrement(ref running);
            }
        }))];
        Array.ForEach(threads, static thread => thread.Start());
        int repairs = 0;
        while (Volatile.Read(ref running) > 0)
        {
            if (flush && repairs % 3 == 0)
            {
                _host.Netns.TryExec("/usr/sbin/nft", "delete", "table", "inet", "cni_plugins");
            }

            Repair(NetlinkSocket.Kernel);
            repairs++;
        }

        Array.ForEach(threads, static thread => thread.Join());
        Assert.Null(failure);
        Repair(NetlinkSocket.Kernel);
        Assert.Empty(Repair(NetlinkSocket.Kernel).Differences);
        foreach (Container each in workers.Append(_container))
        {
            each.Check("bridge", s_network, ports);
        }

        Assert.Equal(5, BridgeNet.Elements(_host, "published4").Count);
        Array.ForEach(workers, worker => worker.Delete("bridge", s_network));
        BridgeNet.World(_host).AssertEqual(alone);
        _container.Delete("bridge", s_network);
        BridgeNet.World(_host).AssertEqual(empty);
        Assert.True(repairs > 0);
    }

    /// <summary>A DEL that was cut short after it took the policy away: nobody puts back what would lead to whoever has the address next.</summary>
    [Fact]
    public void What_a_DEL_was_removing_is_not_put_back()
    {
        _container.Add("bridge", s_network, BridgeNet.Ports(BridgeNet.Port(8080, 80)));
        string record = Path.Combine(_host.StateDirectory, $"attachments/net1/{_container.Id}:eth0.json");
        File.WriteAllText(record, With(Json.Object(File.ReadAllText(record)), "complete", false).ToJsonString());
        _host.Netns.NftScript("flush ruleset");

        Repair(NetlinkSocket.Kernel);

        Assert.Empty(BridgeNet.Elements(_host, "published4"));
    }

    private static JsonNode With(JsonNode node, string key, JsonNode value)
    {
        JsonNode changed = node.DeepClone();
        changed[key] = value;
        return changed;
    }

    private ReconcileReport Repair(INetlinkSockets sockets) => _host.Netns.Run(() =>
    {
        CniEnvironment environment = new(
            new Dictionary<string, string> { ["CNI_PLUGINS_CONFIG"] = _host.ConfigurationFile }, Stream.Null, Stream.Null, Stream.Null);
        using Host host = Host.Open(sockets, environment);
        return Reconciliation.Repair(host);
    });

    /// <summary>Counts transactions on their way to the kernel.</summary>
    private sealed class BatchCounter : INetlinkSockets
    {
        private const ushort BatchBegin = 16;   // NFNL_MSG_BATCH_BEGIN

        public int Batches { get; private set; }

        public INetlinkSocket Open(NETLINK protocol) => new Socket(this, protocol, NetlinkSocket.Kernel.Open(protocol));

        private sealed class Socket(BatchCounter owner, NETLINK protocol, INetlinkSocket kernel) : INetlinkSocket
        {
            public void Send(ReadOnlySpan<byte> datagram)
            {
                owner.Batches += protocol == NETLINK.NETFILTER && MemoryMarshal.Read<NlMsgHdr>(datagram).Type == BatchBegin ? 1 : 0;
                kernel.Send(datagram);
            }

            public int Peek() => kernel.Peek();

            public int Receive(Span<byte> buffer) => kernel.Receive(buffer);

            public void SetReceiveTimeout(TimeSpan timeout) => kernel.SetReceiveTimeout(timeout);

            public void Join(RTNLGRP group) => kernel.Join(group);

            public void Dispose() => kernel.Dispose();
        }
    }
}
