using System.Buffers.Binary;
using System.Net;
using CniPlugins.Linux;
using CniPlugins.NetnsTests.Harness;

namespace CniPlugins.NetnsTests;

/// <summary>Frames that pass for somebody else: <c>ipspoofchk</c>. Made byte by byte, sent to everybody, and judged by what a neighbour's interface takes in.</summary>
public sealed class SpoofTests : IDisposable
{
    private const string Foreign4 = "10.1.0.99";
    private const string Foreign6 = "fd00:1::99";
    private const ushort Arp = 0x0806;
    private const ushort Ipv4 = 0x0800;
    private const ushort Ipv6 = 0x86dd;

    private static readonly string s_network = BridgeNet.Of("10.1.0.0/24 fd00:1::/64", """{"ipspoofchk":true}""");

    private readonly TestHost _host = TestHost.Create();
    private readonly Container _container;
    private readonly Container _neighbour;
    private readonly Container _free;
    private int _sent;

    public SpoofTests()
    {
        _container = _host.Container("web");
        _neighbour = _host.Container("neighbour");
        _free = _host.Container("free");
    }

    /// <summary>Which frame, and whether a bound container may send it.</summary>
    public static TheoryData<string, bool> Frames => new()
    {
        { "arp own", true }, { "arp probe", true }, { "arp foreign ip", false }, { "arp foreign mac", false }, { "arp of another header", false },
        { "ipv4 own", true }, { "ipv4 foreign", false }, { "ipv4 none", false }, { "ipv4 tagged", false }, { "ipv4 tagged twice", false },
        { "ipv6 own", true }, { "ipv6 link-local", true }, { "ipv6 none", true }, { "ipv6 foreign", false },
        { "na own", true }, { "na link-local", true }, { "na foreign", false }, { "na foreign after options", false },
        { "ra", false }, { "redirect", false }, { "mac foreign", false }, { "another protocol", false },
    };

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_bound_container_sends_what_is_its_own(bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        CniCall add = _container.Add("bridge", s_network);
        CniCall free = _free.Add("bridge", BridgeNet.Of("10.1.0.0/24 fd00:1::/64"));
        _neighbour.Add("bridge", BridgeNet.Of("10.1.0.0/24 fd00:1::/64"));

        foreach ((string frame, bool passes) in Frames.Select(static row => row.Data))
        {
            Assert.True(passes == Arrives(_container, add, frame), $"{frame} of the bound container: {(passes ? "held back" : "let through")}");
            Assert.True(Arrives(_free, free, frame), $"{frame} of the other container was never seen, so that the first one's not either means nothing");
        }
    }

    /// <summary>With the container's own stack: what an operator inside would try.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Addresses_that_it_gives_itself_are_of_no_use(bool bridgeNetfilter)
    {
        _host.SetBridgeNetfilter(bridgeNetfilter);
        string free = BridgeNet.Of("10.1.0.0/24 fd00:1::/64");
        string neighbour = _neighbour.Add("bridge", free).Address();
        foreach ((Container container, string network, string foreign4, string foreign6, bool works) in new[]
        {
            (_container, s_network, Foreign4, Foreign6, false), (_free, free, "10.1.0.98", "fd00:1::98", true),
        })
        {
            container.Add("bridge", network);
            Assert.True(container.Netns.Ping(neighbour));
            Assert.True(container.Netns.Ping("10.1.0.1"));
            Assert.True(container.Netns.Ping("fd00:1::1"));
            container.Netns.Ip($"address add {foreign4}/24 dev eth0");
            container.Netns.Ip($"address add {foreign6}/64 dev eth0 nodad");

            foreach ((string source, string target) in new[] { (foreign4, "10.1.0.1"), (foreign4, neighbour), (foreign6, "fd00:1::1") })
            {
                Assert.Equal(works, container.Netns.TryExec("/usr/bin/ping", "-n", "-c", "1", "-W", "1", "-I", source, target).ExitCode == 0);
            }

            Assert.Equal(works, _neighbour.Netns.Ping(foreign4));
            Assert.Equal(works, _host.Netns.Ping(foreign6));
            container.Netns.Ip("address flush dev eth0 scope global");
        }
    }

    [Fact]
    public void Check_del_and_gc_know_of_it()
    {
        _container.Add("bridge", s_network);
        _container.Check("bridge", s_network);
        foreach (string set in new[] { "guarded", "allowed", "bound", "sources4", "sources6" })
        {
            Assert.Contains(_container.Id, Assert.Single(BridgeNet.Elements(_host, set)), StringComparison.Ordinal);
        }

        _host.Netns.Nft("flush set bridge cni_plugins bound");
        Assert.Contains("bound", _container.TryCheck("bridge", s_network).RequireError(100).Message, StringComparison.Ordinal);
        _neighbour.Add("bridge", s_network);
        _container.Delete("bridge", s_network);
        Assert.Contains(_neighbour.Id, Assert.Single(BridgeNet.Elements(_host, "sources4")), StringComparison.Ordinal);

        File.Delete(Directory.GetFiles(_host.StateDirectory, $"{_neighbour.Id}*", SearchOption.AllDirectories).Single());
        _host.Gc("bridge", s_network);
        Assert.False(BridgeNet.HasTable(_host));
    }

    [Theory]
    [InlineData("""{"ipspoofchk":true,"vlanTrunk":[{"id":7}]}""", "vlanTrunk", 7)]
    [InlineData("""{"ipspoofchk":true,"ipam":{}}""", "ipam", 7)]
    [InlineData("""{"ipspoofchk":1}""", "ipspoofchk", 6)]
    public void What_does_not_fit_is_refused(string extra, string named, int code) =>
        Assert.Contains(named, _container.TryAdd("bridge", BridgeNet.Of(extra: extra)).RequireError(code).Message, StringComparison.Ordinal);

    /// <summary>Whether a frame that a container sends to everybody comes in at the neighbour's interface. Each ends with a number of its own.</summary>
    private bool Arrives(Container from, CniCall add, string frame)
    {
        byte[] mac = Convert.FromHexString(add.Result.GetProperty("interfaces")[2].Text("mac")!.Replace(":", "", StringComparison.Ordinal));
        byte[] mark = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(mark, 0x5ee_d00d_0000_0000 + ++_sent);
        byte[] bytes = Make(frame, mac, IPAddress.Parse(add.Address()), IPAddress.Parse(add.Address(v6: true)), mark);
        using PacketSocket neighbour = Open(_neighbour);
        using PacketSocket sender = Open(from);
        sender.Send(bytes);

        byte[] received = new byte[2048];
        DateTime end = DateTime.UtcNow.AddMilliseconds(400);
        while (neighbour.TryReceive(received, end - DateTime.UtcNow) is int length)
        {
            if (received.AsSpan(0, length).EndsWith(mark))
            {
                return true;
            }
        }

        return false;
    }

    private static PacketSocket Open(Container container)
    {
        const ushort EveryProtocol = 3;   // ETH_P_ALL
        int index = int.Parse(BridgeNet.FindLink(container.Netns, "eth0")!.Value.Text("ifindex")!, System.Globalization.CultureInfo.InvariantCulture);
        return container.Netns.Run(() => PacketSocket.Open(index, EveryProtocol));
    }

    private static byte[] Make(string frame, byte[] mac, IPAddress own4, IPAddress own6, byte[] mark)
    {
        IPAddress foreign4 = IPAddress.Parse(Foreign4);
        IPAddress foreign6 = IPAddress.Parse(Foreign6);
        IPAddress linkLocal = IPAddress.Parse("fe80::1234");
        byte[] foreignMac = [2, 0, 0, 0, 0, 0x77];
        return frame switch
        {
            "arp own" => Ethernet(mac, Arp, ArpOf(mac, own4), mark),
            "arp probe" => Ethernet(mac, Arp, ArpOf(mac, IPAddress.Any), mark),
            "arp foreign ip" => Ethernet(mac, Arp, ArpOf(mac, foreign4), mark),
            "arp foreign mac" => Ethernet(mac, Arp, ArpOf(foreignMac, own4), mark),
            "arp of another header" => Ethernet(mac, Arp, [0, 6, .. ArpOf(mac, own4)[2..]], mark),
            "ipv4 own" => Ethernet(mac, Ipv4, Packet4(own4, mark)),
            "ipv4 foreign" => Ethernet(mac, Ipv4, Packet4(foreign4, mark)),
            "ipv4 none" => Ethernet(mac, Ipv4, Packet4(IPAddress.Any, mark)),
            "ipv4 tagged" => Ethernet(mac, 0x8100, [0, 7, 0x08, 0], Packet4(own4, mark)),
            "ipv4 tagged twice" => Ethernet(mac, 0x88a8, [0, 7, 0x81, 0, 0, 8, 0x08, 0], Packet4(own4, mark)),
            "ipv6 own" => Ethernet(mac, Ipv6, Packet6(own6, 59, mark)),
            "ipv6 link-local" => Ethernet(mac, Ipv6, Packet6(linkLocal, 59, mark)),
            "ipv6 none" => Ethernet(mac, Ipv6, Packet6(IPAddress.IPv6Any, 59, mark)),
            "ipv6 foreign" => Ethernet(mac, Ipv6, Packet6(foreign6, 59, mark)),
            "na own" => Ethernet(mac, Ipv6, Packet6(own6, 58, Advertisement(own6), mark)),
            "na link-local" => Ethernet(mac, Ipv6, Packet6(linkLocal, 58, Advertisement(linkLocal), mark)),
            "na foreign" => Ethernet(mac, Ipv6, Packet6(own6, 58, Advertisement(foreign6), mark)),
            "na foreign after options" => Ethernet(mac, Ipv6, Packet6(own6, 60, [58, 0, 1, 4, 0, 0, 0, 0], Advertisement(foreign6), mark)),
            "ra" => Ethernet(mac, Ipv6, Packet6(linkLocal, 58, [134, 0, 0, 0, 64, 0, 0xff, 0xff, .. new byte[8]], mark)),
            "redirect" => Ethernet(mac, Ipv6, Packet6(linkLocal, 58, [137, .. Advertisement(own6)[1..], .. foreign6.GetAddressBytes()], mark)),
            "mac foreign" => Ethernet(foreignMac, Ipv4, Packet4(own4, mark)),
            "another protocol" => Ethernet(mac, 0x88b5, mark),
            _ => throw new ArgumentOutOfRangeException(nameof(frame)),
        };
    }

    private static byte[] Ethernet(byte[] source, ushort type, params byte[][] content) =>
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, .. source, (byte)(type >> 8), (byte)(type & 0xff), .. content.SelectMany(static part => part)];

    /// <summary>A question for the gateway (RFC 826).</summary>
    private static byte[] ArpOf(byte[] mac, IPAddress sender) =>
        [0, 1, 0x08, 0, 6, 4, 0, 1, .. mac, .. sender.GetAddressBytes(), 0, 0, 0, 0, 0, 0, 10, 1, 0, 1];

    /// <summary>An IPv4 packet (RFC 791) of a protocol for experiments, to all on the link.</summary>
    private static byte[] Packet4(IPAddress source, byte[] content)
    {
        byte[] packet = [0x45, 0, 0, (byte)(20 + content.Length), 0, 0, 0, 0, 64, 253, 0, 0, .. source.GetAddressBytes(), 255, 255, 255, 255, .. content];
        uint sum = 0;
        for (int i = 0; i < 20; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(i));
        }

        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), (ushort)(0xffff - ((sum & 0xffff) + (sum >> 16))));
        return packet;
    }

    /// <summary>An IPv6 packet (RFC 8200) to all nodes on the link.</summary>
    private static byte[] Packet6(IPAddress source, byte next, params byte[][] content)
    {
        byte[] all = [.. content.SelectMany(static part => part)];
        return [0x60, 0, 0, 0, 0, (byte)all.Length, next, 255, .. source.GetAddressBytes(), .. IPAddress.Parse("ff02::1").GetAddressBytes(), .. all];
    }

    /// <summary>RFC 4861 section 4.4, without options; the checksum is wrong, which only its receiver would mind.</summary>
    private static byte[] Advertisement(IPAddress target) => [136, 0, 0, 0, 0x20, 0, 0, 0, .. target.GetAddressBytes()];
}
