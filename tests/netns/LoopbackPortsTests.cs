using System.Net;
using System.Net.Sockets;
using CniPlugins.Bpf.Uapi;
using CniPlugins.Linux;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Publishing;
using CniPlugins.Publishing.Loopback;

namespace CniPlugins.NetnsTests;

/// <summary>The library that leads sockets from loopback addresses to a container, without any plugin around it.</summary>
public sealed class LoopbackPortsTests : IDisposable
{
    private const string Owner = "net1/c1/eth0";

    private readonly Netns _host = Netns.Create("host");
    private readonly Netns _container = Netns.Create("web");

    public LoopbackPortsTests()
    {
        _host.Ip($"link add br1 type veth peer name eth0 netns {_container.Path}");
        foreach ((Netns side, string link, string last) in new[] { (_host, "br1", "1"), (_container, "eth0", "2") })
        {
            side.Ip($"address add 10.1.0.{last}/24 dev {link}");
            side.Ip($"address add fd00:1::{last}/64 dev {link} nodad");
            side.Ip($"link set {link} up");
        }

        Assert.True(SpinWait.SpinUntil(() => _host.Ping("fd00:1::2"), 10_000));
    }

    private static PublishedPort Tcp4 => Port("127.0.0.1", 8080, PortProtocol.Tcp);

    public void Dispose()
    {
        _host.Dispose();
        _container.Dispose();
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", "10.1.0.1")]
    [InlineData("127.0.0.1", "0.0.0.0", "10.1.0.1")]
    [InlineData("127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.1.0.1")]
    [InlineData("127.0.0.9", "127.0.0.9", "10.1.0.1")]
    [InlineData("0.0.0.0", "127.0.0.77", "10.1.0.1")]
    [InlineData("::1", "::1", "fd00:1::1")]
    [InlineData("::1", "::", "fd00:1::1")]
    [InlineData("::", "::1", "fd00:1::1")]
    public void A_socket_is_led_to_the_container_and_told_what_it_dialled(string published, string dialled, string own)
    {
        using TcpEcho tcp4 = new(_container, 80);
        using TcpEcho tcp6 = new(_container, 80, "::");
        using UdpEcho udp4 = new(_container, 53);
        using UdpEcho udp6 = new(_container, 53, "::");
        IReadOnlyList<PublishedPort> ports = [Port(published, 8080, PortProtocol.Tcp), Port(published, 5353, PortProtocol.Udp)];
        using LoopbackPorts loopback = Open();
        loopback.Add(ports, Owner);
        Assert.Empty(loopback.FindMissing(ports, Owner));

        // 0.0.0.0 and :: are loopback to connect(2), and getpeername(2) says so.
        string named = dialled switch { "0.0.0.0" => "127.0.0.1", "::" => "::1", _ => dialled };
        _host.Run(() =>
        {
            using Socket stream = Dial(dialled, 8080, SocketType.Stream, ProtocolType.Tcp);
            Assert.Equal("web", Receive(stream));
            Assert.Equal(new IPEndPoint(IPAddress.Parse(named), 8080), PeerOf(stream));
            Assert.Equal(IPAddress.Parse(own), ((IPEndPoint)stream.LocalEndPoint!).Address);

            using Socket connected = Dial(dialled, 5353, SocketType.Dgram, ProtocolType.Udp);
            connected.Send("?"u8);
            Assert.Equal("web", Receive(connected));
            Assert.Equal(new IPEndPoint(IPAddress.Parse(named), 5353), PeerOf(connected));

            IPEndPoint target = new(IPAddress.Parse(dialled), 5353);
            using Socket loose = new(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 2000 };
            if (target.AddressFamily == AddressFamily.InterNetworkV6)
            {
                loose.DualMode = true;
            }

            loose.SendTo("?"u8, target);
            EndPoint from = new IPEndPoint(target.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
            byte[] buffer = new byte[256];
            loose.ReceiveFrom(buffer, ref from);
            Assert.Equal(new IPEndPoint(IPAddress.Parse(named), 5353), from);
        });
        loopback.Remove(ports, Owner);
        Assert.Equal(2, loopback.FindMissing(ports, Owner).Count);
        Assert.NotEqual(ReachOutcome.Answered, Reach.Tcp(_host, dialled, 8080).Outcome);
    }

    /// <summary>Everything else that sockets are used for stays as it was.</summary>
    [Fact]
    public void Other_sockets_are_left_alone()
    {
        using TcpEcho web = new(_container, 80);
        using UdpEcho dns = new(_container, 53);
        using TcpEcho service = new(_host, 9000, "127.0.0.1");
        using TcpEcho other = new(_container, 8080, "127.0.0.1");
        using LoopbackPorts loopback = Open();
        loopback.Add([Tcp4, Port("127.0.0.1", 5353, PortProtocol.Udp)], Owner);

        Assert.Equal("host", Reach.Tcp(_host, "127.0.0.1", 9000).Server);
        Assert.Equal("web", Reach.Tcp(_host, "10.1.0.2", 80).Server);
        Assert.Equal(ReachOutcome.Refused, Reach.Tcp(_host, "127.0.0.2", 8080).Outcome);
        Assert.Equal(ReachOutcome.Refused, Reach.Tcp(_host, "::1", 8080).Outcome);
        Assert.Equal(ReachOutcome.Refused, Reach.Tcp(_host, "10.1.0.1", 8080).Outcome);

        // The same number in another namespace is that namespace's own affair, and so is the other protocol's.
        Assert.Equal("web", Reach.Tcp(_container, "127.0.0.1", 8080).Server);
        Assert.Equal(ReachOutcome.Refused, Reach.Udp(_host, "127.0.0.1", 8080).Outcome);
        Assert.Equal(ReachOutcome.Refused, Reach.Tcp(_host, "127.0.0.1", 5353).Outcome);

        // Whoever talks to the container itself sees the container's address.
        _host.Run(() =>
        {
            using Socket direct = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 2000 };
            direct.SendTo("?"u8, new IPEndPoint(IPAddress.Parse("10.1.0.2"), 53));
            EndPoint from = new IPEndPoint(IPAddress.Any, 0);
            direct.ReceiveFrom(new byte[256], ref from);
            Assert.Equal(new IPEndPoint(IPAddress.Parse("10.1.0.2"), 53), from);

            // The same said for one datagram: nothing with a loopback address leaves lo.
            using (Socket loose = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 500 })
            {
                loose.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                loose.SendTo("?"u8, new IPEndPoint(IPAddress.Loopback, 5353));
                Assert.Throws<SocketException>(() => loose.Receive(new byte[256]));
            }

            // Bound to loopback it has no way to a container: a refusal at once, and no waiting.
            using Socket bound = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => bound.Connect(IPAddress.Loopback, 8080)).SocketErrorCode);
        });
        loopback.Remove([Tcp4, Port("127.0.0.1", 5353, PortProtocol.Udp)], Owner);
    }

    [Fact]
    public void What_is_another_owners_by_now_stays()
    {
        using TcpEcho web = new(_container, 80);
        using LoopbackPorts loopback = Open();
        loopback.Add([Tcp4], Owner);
        loopback.Add([Tcp4], "net1/c2/eth0");

        loopback.Remove([Tcp4], Owner);

        Assert.Equal("web", Reach.Tcp(_host, "127.0.0.1", 8080).Server);
        Assert.Empty(loopback.FindMissing([Tcp4], "net1/c2/eth0"));
        Assert.Single(loopback.FindMissing([Tcp4], Owner));
        loopback.Remove([Tcp4], "net1/c2/eth0");
    }

    [Fact]
    public void Replacing_puts_right_what_was_lost_and_removes_what_nobody_knows()
    {
        using TcpEcho web = new(_container, 80);
        using LoopbackPorts loopback = Open();
        loopback.Add([Port("127.0.0.1", 7000, PortProtocol.Tcp)], "net1/gone/eth0");

        Assert.Equal(2, loopback.Compare([(Tcp4, Owner)], repair: false));
        Assert.Equal(2, loopback.Compare([(Tcp4, Owner)], repair: true));
        Assert.Equal(0, loopback.Compare([(Tcp4, Owner)], repair: true));
        Assert.Equal("web", Reach.Tcp(_host, "127.0.0.1", 8080).Server);
        Assert.Equal(ReachOutcome.Refused, Reach.Tcp(_host, "127.0.0.1", 7000).Outcome);
        Assert.Equal(1, loopback.Compare([], repair: true));
        Assert.Equal(ReachOutcome.Refused, Reach.Tcp(_host, "127.0.0.1", 8080).Outcome);
    }

    /// <summary>An older version is replaced in place: its entries go on, and no connection finds nobody in between. With the last entry all is gone.</summary>
    [Fact]
    public void An_upgrade_leaves_no_gap_and_the_last_port_leaves_nothing()
    {
        using TcpEcho web = new(_container, 80);
        string path = Directory.CreateDirectory($"{TestCgroup.Path}/upgrade-{Guid.NewGuid():N}").FullName;
        try
        {
            using CgroupDirectory cgroup = CgroupDirectory.Open(path);
            using (SocketHooks old = SocketHooks.Load(version: 0))
            {
                old.Attach(cgroup);
            }

            using LoopbackPorts loopback = _host.Run(() => LoopbackPorts.Open(path));
            SocketEntry entry = SocketEntry.Find(Tcp4, _host.Run(NetworkNamespace.FindCookie)!.Value, Owner)!.Value;
            using (SocketHooks old = SocketHooks.Find(cgroup)!)
            {
                Assert.Equal(0, old.Version);
                BpfSystemCall.Update(old.Ports, entry.Key, entry.Value);
            }

            string script = $$"""
                echo $$ >{{path}}/cgroup.procs
                for i in $(seq 400); do { exec 3<>/dev/tcp/127.0.0.1/8080 && read -r line <&3; echo "${line%% *}"; line=; } 2>&1; done
                """;
            string output = "";
            Thread client = new(() => output = _host.TryExec("/bin/bash", "-c", script).Output);
            client.Start();
            Thread.Sleep(100);
            loopback.Add([Port("127.0.0.1", 8081, PortProtocol.Tcp)], Owner);
            using (SocketHooks present = SocketHooks.Find(cgroup)!)
            {
                Assert.Equal(SocketHooks.CurrentVersion, present.Version);
            }

            Assert.Single(BpfSystemCall.ListAttached(cgroup.Descriptor, (uint)BPF_CGROUP.INET4_CONNECT, out _));
            client.Join();
            string[] answers = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(400, answers.Length);
            Assert.All(answers, static answer => Assert.Equal("web", answer));

            loopback.Remove([Tcp4, Port("127.0.0.1", 8081, PortProtocol.Tcp)], Owner);
            Assert.Null(SocketHooks.Find(cgroup));
            Assert.Empty(BpfSystemCall.ListAttached(cgroup.Descriptor, (uint)BPF_CGROUP.UDP6_RECVMSG, out _));
        }
        finally
        {
            SpinWait.SpinUntil(() => File.ReadAllText(path + "/cgroup.procs").Length == 0, 10_000);
            Directory.Delete(path);
        }
    }

    /// <summary>Attached while another takes the last one away: whoever adds is served.</summary>
    [Fact]
    public void Adding_and_removing_at_once_loses_nothing()
    {
        using TcpEcho web = new(_container, 80);
        string path = Directory.CreateDirectory($"{TestCgroup.Path}/race-{Guid.NewGuid():N}").FullName;
        using CgroupDirectory cgroup = CgroupDirectory.Open(path);
        try
        {
            Parallel.For(0, 4, worker =>
            {
                using LoopbackPorts loopback = _host.Run(() => LoopbackPorts.Open(path));
                IReadOnlyList<PublishedPort> own = [Port("127.0.0.1", (ushort)(9000 + worker), PortProtocol.Tcp)];
                for (int i = 0; i < 25; i++)
                {
                    loopback.Add(own, Owner);
                    Assert.Empty(loopback.FindMissing(own, Owner));
                    loopback.Remove(own, Owner);
                }
            });
            Assert.Null(SocketHooks.Find(cgroup));
        }
        finally
        {
            Directory.Delete(path);
        }
    }

    /// <summary>Without a cgroup named it is the root of the hierarchy, found even where no /sys shows it; other namespaces are left alone there too.</summary>
    [Fact]
    public void The_root_serves_every_process()
    {
        using TcpEcho web = new(_container, 80);
        using LoopbackPorts loopback = _host.Run(static () => LoopbackPorts.Open(null));
        loopback.Add([Tcp4], Owner);
        try
        {
            Assert.Equal("web", Reach.Tcp(_host, "127.0.0.1", 8080).Server);
            Assert.Equal(ReachOutcome.Refused, Reach.Tcp(_container, "127.0.0.1", 8080).Outcome);
        }
        finally
        {
            loopback.Remove([Tcp4], Owner);
        }

        Assert.Equal(ReachOutcome.Refused, Reach.Tcp(_host, "127.0.0.1", 8080).Outcome);
    }

    private static PublishedPort Port(string address, ushort port, PortProtocol protocol)
    {
        IPAddress host = IPAddress.Parse(address);
        return new PublishedPort(
            host, port, protocol, IPAddress.Parse(host.AddressFamily == AddressFamily.InterNetwork ? "10.1.0.2" : "fd00:1::2"),
            (ushort)(protocol == PortProtocol.Udp ? 53 : 80));
    }

    private static Socket Dial(string address, int port, SocketType type, ProtocolType protocol)
    {
        IPEndPoint target = new(IPAddress.Parse(address), port);
        Socket socket = new(target.AddressFamily, type, protocol) { ReceiveTimeout = 2000 };
        if (target.AddressFamily == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = true;
        }

        socket.Connect(target);
        return socket;
    }

    private static string Receive(Socket socket)
    {
        byte[] buffer = new byte[256];
        return System.Text.Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer)).Split(' ')[0];
    }

    /// <summary>getpeername(2) itself; the framework remembers what it was told to connect to.</summary>
    private static IPEndPoint PeerOf(Socket socket)
    {
        byte[] bytes = NativeMethods.GetPeerName(socket.SafeHandle);
        SocketAddress address = new((AddressFamily)(BitConverter.ToUInt16(bytes) == 2 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6), bytes.Length);
        bytes.CopyTo(address.Buffer.Span);
        return (IPEndPoint)new IPEndPoint(bytes.Length == 16 ? IPAddress.Any : IPAddress.IPv6Any, 0).Create(address);
    }

    private LoopbackPorts Open() => _host.Run(static () => LoopbackPorts.Open(TestCgroup.Path));
}
