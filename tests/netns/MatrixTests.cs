using System.Collections.Concurrent;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>
/// Who reaches a published port, and which address the container sees: every address it can be published on, from everywhere, by every protocol, with bridged
/// packets through the IP hooks and without. Each cell has an expectation; the table of what was seen is printed by <c>./test.sh --filter matrix</c>.
/// </summary>
public sealed class MatrixTests : IDisposable
{
    private const string OtherAddress4 = "198.51.100.1";
    private const string OtherAddress6 = "2001:db8:2::1";
    private const string NotReached = "-";

    private static readonly string[] s_from =
        ["host", "itself", "neighbour", "other network", "LAN", "LAN to container", "LAN to loopback"];

    private static readonly (string Published, string Dialled)[] s_addresses =
    [
        ("127.0.0.1", "127.0.0.1"), ("::1", "::1"),
        (TestHost.Address4, TestHost.Address4), (TestHost.Address6, TestHost.Address6),
        ("0.0.0.0", "127.0.0.1"), ("0.0.0.0", TestHost.Address4), ("::", "::1"), ("::", TestHost.Address6),
        (OtherAddress4, OtherAddress4), (OtherAddress6, OtherAddress6),
    ];

    private readonly TestHost _host = TestHost.Create();
    private readonly Netns _otherLan = Netns.Create("lan2");

    public static TheoryData<string, bool, string, string> Rows
    {
        get
        {
            TheoryData<string, bool, string, string> rows = [];
            foreach (string protocol in new[] { "tcp", "udp", "sctp" })
            {
                foreach ((string published, string dialled) in s_addresses)
                {
                    rows.Add(protocol, false, published, dialled);
                    rows.Add(protocol, true, published, dialled);
                }
            }

            return rows;
        }
    }

    public void Dispose()
    {
        _otherLan.Dispose();
        _host.Dispose();
    }

    [Theory, MemberData(nameof(Rows))]
    public void Publishing_matrix(string protocol, bool bridgeNetfilter, string published, string dialled)
    {
        if (protocol == "sctp")
        {
            Kernel.RequireSctp();
        }

        _host.SetBridgeNetfilter(bridgeNetfilter);
        JoinOtherLan();
        bool v6 = dialled.Contains(':', StringComparison.Ordinal);
        string network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"isolation":"full"}""");
        Container web = _host.Container("web");
        CniOptions ports = BridgeNet.Ports(BridgeNet.Port(8080, 80, protocol, published));
        if (protocol == "sctp" && published == "::1")
        {
            // The kernel asks about no SCTP socket, and translates no packet to ::1: said before anything is made.
            Assert.Contains("[::1]", web.TryAdd("bridge", network, ports).RequireError(7).Message, StringComparison.Ordinal);
            Write(protocol, bridgeNetfilter, published, dialled, [.. s_from.Select(static _ => "refused by ADD")]);
            return;
        }

        web.Add("bridge", network, ports);
        Container neighbour = _host.Container("neighbour");
        neighbour.Add("bridge", network);
        Container stranger = _host.Container("stranger");
        stranger.Add("bridge", BridgeNet.Of("10.2.0.0/24 fd00:2::/64", """{"isolation":"full"}""", name: "net2", bridge: "br2"));
        using EchoServer server = Serve(protocol, web.Netns, v6 ? "::" : "0.0.0.0");

        Netns[] from = [_host.Netns, web.Netns, neighbour.Netns, stranger.Netns, _host.Lan, _host.Lan, _otherLan];
        ConcurrentDictionary<int, string> seen = [];
        Parallel.For(0, from.Length, i => seen[i] = s_from[i] switch
        {
            "LAN to container" => Dial(protocol, from[i], v6 ? "fd00:1::2" : "10.1.0.2", 80),
            "LAN to loopback" => Dial(protocol, from[i], v6 ? "::1" : "127.0.0.1", 8080),
            _ => Dial(protocol, from[i], dialled, 8080),
        });

        string[] cells = [.. Enumerable.Range(0, from.Length).Select(i => seen[i])];
        Write(protocol, bridgeNetfilter, published, dialled, cells);
        Assert.Equal(Expected(protocol, dialled, v6), cells);
    }

    /// <summary>In the order of <see cref="s_from"/>.</summary>
    private static string[] Expected(string protocol, string dialled, bool v6)
    {
        string bridge = v6 ? "fd00:1::1" : "10.1.0.1";
        if (dialled is "127.0.0.1" or "::1")
        {
            // Only from this host, as which its bridge's address stands; everybody else's loopback is their own.
            bool served = protocol != "sctp" || !v6;
            return [served ? bridge : NotReached, NotReached, NotReached, NotReached, NotReached, NotReached, NotReached];
        }

        // Seen as they are; but whoever would be answered past this host, or leaves its own network by the host's address, as the bridge.
        return [dialled, bridge, bridge, bridge, v6 ? TestHost.LanAddress6 : TestHost.LanAddress4, NotReached, NotReached];
    }

    private static string Dial(string protocol, Netns from, string address, int port)
    {
        Reach reach = protocol switch
        {
            "tcp" => Reach.Tcp(from, address, port),
            "udp" => Reach.Udp(from, address, port),
            _ => Reach.Sctp(from, address, port),
        };
        return reach.Outcome != ReachOutcome.Answered ? NotReached : reach.Server == "web" ? reach.SeenSource : $"{reach.Server}!";
    }

    private static EchoServer Serve(string protocol, Netns netns, string address) => protocol switch
    {
        "tcp" => new TcpEcho(netns, 80, address),
        "udp" => new UdpEcho(netns, 80, address),
        _ => new SctpEcho(netns, 80, address),
    };

    /// <summary>One file for each row, since rows run in any order, and some on another kernel.</summary>
    private static void Write(string protocol, bool bridgeNetfilter, string published, string dialled, string[] cells)
    {
        string directory = Directory.CreateDirectory(Path.Combine(Artifacts(), "test-results/matrix")).FullName;
        string nf = bridgeNetfilter ? "1" : "0";
        int row = Array.IndexOf(s_addresses, (published, dialled));
        string first = $"{protocol,-4} {nf,-2} {published,-13} {dialled,-13}";
        File.WriteAllText(
            $"{directory}/{Array.IndexOf(["tcp", "udp", "sctp"], protocol)}{nf}{row}", $"{first} {string.Join(' ', cells.Select(static cell => $"{cell,-16}"))}".TrimEnd() + "\n");
        File.WriteAllText(
            $"{directory}/0", $"{"",-4} nf {"published on",-13} {"dialled",-13} {string.Join(' ', s_from.Select(static from => $"{from,-16}"))}".TrimEnd() + "\n");
    }

    private static string Artifacts()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && Path.GetFileName(directory) != "artifacts")
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new InvalidOperationException("the test's executable is not below artifacts/");
    }

    /// <summary>A second interface of the host, with a neighbour that routes the host's loopback addresses to it, as the first one's routes the containers'.</summary>
    private void JoinOtherLan()
    {
        _host.Netns.Ip($"link add uplink2 type veth peer name eth0 netns {_otherLan.Path}");
        foreach ((Netns side, string link, string last) in new[] { (_host.Netns, "uplink2", "1"), (_otherLan, "eth0", "2") })
        {
            side.Ip($"address add 198.51.100.{last}/24 dev {link}");
            side.Ip($"address add 2001:db8:2::{last}/64 dev {link} nodad");
            side.Ip($"link set {link} up");
        }

        _host.Lan.Ip($"route add default via {TestHost.Address4}");
        _host.Lan.Ip($"-6 route add default via {TestHost.Address6}");
        _otherLan.Ip("address flush dev lo");
        _otherLan.SetSysctl("net/ipv4/conf/all/route_localnet", "1");
        _otherLan.SetSysctl("net/ipv4/conf/eth0/route_localnet", "1");
        _otherLan.Ip($"route add 127.0.0.1/32 via {OtherAddress4}");
        _otherLan.Ip($"-6 route add ::1/128 via {OtherAddress6}");
        Assert.True(SpinWait.SpinUntil(() => _otherLan.Ping(OtherAddress6) && _otherLan.Ping(OtherAddress4), 10_000));
    }
}
