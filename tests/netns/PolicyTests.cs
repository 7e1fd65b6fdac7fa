using System.Net;
using CniPlugins.Netlink;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Nftables;
using CniPlugins.Publishing;

namespace CniPlugins.NetnsTests;

/// <summary>The ruleset as the kernel holds it, and what becomes of it, judged by <c>nft list ruleset</c>.</summary>
public sealed class PolicyTests : IDisposable
{
    private const string Web = "web/c1/eth0";
    private const string Other = "other/c2/eth0";

    private static readonly PublishedPort s_tcp4 = Port("192.0.2.1", 8080, PortProtocol.Tcp, "10.1.0.2", 80);
    private static readonly PublishedPort s_udp6 = Port("2001:db8:1::1", 5353, PortProtocol.Udp, "fd00::2", 53);
    private static readonly PublishedPort s_any4 = Port("0.0.0.0", 9000, PortProtocol.Tcp, "10.1.0.2", 90);
    private static readonly PublishedPort s_any6 = Port("::", 9000, PortProtocol.Sctp, "fd00::2", 90);

    private readonly Netns _host = Netns.Create("host");
    private readonly PolicyStore _store;

    public PolicyTests() => _store = Open(_host);

    public void Dispose()
    {
        _store.Dispose();
        _host.Dispose();
    }

    private static readonly RuleElement[] s_any = [PolicyElements.Masqueraded(IPAddress.Parse("10.1.0.2"), "net1/c1/eth0")];

    [Fact]
    public void The_ruleset_explains_itself()
    {
        AddEverything();

        AssertGolden("ruleset.nft", Ruleset());
        Assert.True(_store.RulesInPlace(s_any));
    }

    /// <summary>Each rule, down to the instructions, is what nft makes of the text it prints for ours.</summary>
    [Fact]
    public void The_rules_are_what_nft_makes_of_their_text()
    {
        AddEverything();
        using Netns other = Netns.Create("other");

        // nft 1.0 cannot read again how it prints a part of the payload within a concatenation.
        const string Unreadable = "neighbour advertisements for others";
        other.NftScript(string.Join('\n', Ruleset().Split('\n').Where(static line => !line.Contains(Unreadable, StringComparison.Ordinal))));

        // nft turns the bytes of a protocol in an interval set around, of which there is one: the kernel does nothing (nft_byteorder_eval).
        IEnumerable<string> inet = Instructions(other, "inet cni_plugins").Where(static line => !line.EndsWith(", 2, 1) ]", StringComparison.Ordinal));
        Assert.Equal(inet, Instructions(_host, "inet cni_plugins"));

        List<string> bridge = [.. Instructions(_host, "bridge cni_plugins")];
        int unreadable = bridge.FindIndex(static line => line.Contains("@ transport header + 8 ", StringComparison.Ordinal));
        int begin = bridge.FindLastIndex(unreadable, static line => !line.TrimStart().StartsWith('['));
        int end = bridge.FindIndex(unreadable, static line => !line.TrimStart().StartsWith('['));
        bridge.RemoveRange(begin, end - begin);
        Assert.Equal(Instructions(other, "bridge cni_plugins"), bridge);
    }

    [Fact]
    public void Tables_are_made_on_first_use_and_removed_whole()
    {
        _store.Add([], [], []);
        Assert.Equal("", Ruleset());
        Assert.False(_store.RulesInPlace(s_any));
        _store.RemoveTables();
        _store.Add([PolicyElements.Masqueraded(IPAddress.Parse("10.1.0.2"), Web)], [], []);

        Assert.Contains("table inet cni_plugins", Ruleset(), StringComparison.Ordinal);
        Assert.DoesNotContain("table bridge", Ruleset(), StringComparison.Ordinal);

        AddSpoofCheck(Web);
        Assert.Contains("table bridge cni_plugins", Ruleset(), StringComparison.Ordinal);
        _store.RemoveTables();
        Assert.Equal("", Ruleset());
    }

    [Fact]
    public void Added_and_removed_the_ruleset_is_as_before_and_twice_is_once()
    {
        _store.Add([PolicyElements.Masqueraded(IPAddress.Parse("10.1.0.99"), Other)], [PolicyElements.Network(IPNetwork.Parse("10.1.0.0/16"), "br0")], []);
        string before = Ruleset();
        RuleElement[] own = [PolicyElements.Published(s_tcp4, Web), PolicyElements.Published(s_any6, Web)];

        _store.Add(own, [PolicyElements.Network(IPNetwork.Parse("10.1.0.0/16"), "br0")], [s_tcp4, s_any6]);
        Assert.Empty(_store.FindMissing(own));
        _store.Remove(own);
        _store.Remove(own);

        Assert.Equal(before, Ruleset());
        Assert.Equal(own, _store.FindMissing(own));
    }

    [Fact]
    public void A_port_published_twice_names_its_owner_and_changes_nothing()
    {
        _store.Add([PolicyElements.Published(s_tcp4, Web)], [], [s_tcp4]);
        string before = Ruleset();
        PublishedPort mine = s_tcp4 with { ContainerAddress = IPAddress.Parse("10.1.0.3") };

        PortConflictException conflict = Assert.Throws<PortConflictException>(() => _store.Add(
            [PolicyElements.Masqueraded(IPAddress.Parse("10.1.0.3"), Other), PolicyElements.Published(mine, Other)], [], [mine]));

        Assert.Equal("host port 192.0.2.1:8080/tcp is published already by " + Web, conflict.Message);
        Assert.False(conflict.ByProcess);
        Assert.Equal(before, Ruleset());
    }

    [Fact]
    public void The_same_attachments_own_left_over_is_replaced()
    {
        _store.Add([PolicyElements.Published(s_tcp4, Web)], [], [s_tcp4]);
        PublishedPort moved = s_tcp4 with { ContainerAddress = IPAddress.Parse("10.1.0.7") };

        _store.Add([PolicyElements.Published(moved, Web)], [], [moved]);

        Assert.Contains("\"web/c1/eth0\" : 10.1.0.7 . 80 }", Ruleset(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_goes_to_its_new_owner_and_stays_there()
    {
        RuleElement old = PolicyElements.Masqueraded(IPAddress.Parse("10.1.0.2"), Web);
        _store.Add([old], [], []);

        _store.Add([PolicyElements.Masqueraded(IPAddress.Parse("10.1.0.2"), Other)], [], []);
        _store.Remove([old]);   // the late DEL of the old owner

        Assert.Contains("elements = { 10.1.0.2 comment \"other/c2/eth0\" }", Ruleset(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_address_overlaps_each()
    {
        _store.Add([PolicyElements.Published(s_any4, Web), PolicyElements.Published(s_tcp4, Web)], [], [s_any4, s_tcp4]);

        PortConflictException? one = _store.FindOverlap([Port("192.0.2.1", 9000, PortProtocol.Tcp, "10.1.0.9", 1)], static () => []);
        PortConflictException? all = _store.FindOverlap(
            [Port("0.0.0.0", 8080, PortProtocol.Tcp, "10.1.0.9", 1)], static () => [IPAddress.Parse("192.0.2.1"), IPAddress.IPv6Loopback]);

        Assert.Equal("host port 192.0.2.1:9000/tcp is published already by " + Web, one?.Message);
        Assert.Equal("host port 0.0.0.0:8080/tcp is published already by " + Web, all?.Message);
        Assert.Null(_store.FindOverlap([Port("192.0.2.1", 9000, PortProtocol.Udp, "10.1.0.9", 1)], static () => []));
        Assert.Null(_store.FindOverlap([Port("0.0.0.0", 8080, PortProtocol.Tcp, "10.1.0.9", 1)], static () => [IPAddress.Parse("192.0.2.9")]));
    }

    [Fact]
    public void Strangers_elements_are_listed()
    {
        AddEverything();
        _store.Add([PolicyElements.Masqueraded(IPAddress.Parse("10.1.0.9"), Other)], [], []);

        Assert.Equal(15, _store.ListOwned(static comment => comment == Web).Count);
        Assert.Equal("masqueraded4", Assert.Single(_store.ListOwned(static comment => comment == Other)).Set);
        _store.Remove(_store.ListOwned(static comment => comment == Web));
        Assert.Empty(_store.ListOwned(static comment => comment == Web));
    }

    [Fact]
    public void A_flushed_ruleset_is_seen_and_made_again()
    {
        AddEverything();
        string before = Ruleset();
        _host.Nft("flush chain inet cni_plugins forward");
        Assert.False(_store.RulesInPlace(s_any));
        _host.Nft("flush ruleset");
        Assert.False(_store.RulesInPlace(s_any));

        AddEverything();

        Assert.Equal(before, Ruleset());
    }

    private static PublishedPort Port(string host, ushort port, PortProtocol protocol, string container, ushort containerPort) =>
        new(IPAddress.Parse(host), port, protocol, IPAddress.Parse(container), containerPort);

    private static PolicyStore Open(Netns netns) => netns.Run(static () => new PolicyStore(NftConnection.Open(NetlinkSocket.Kernel)));

    /// <summary>Each chain's instructions, a line each.</summary>
    private static string[] Instructions(Netns netns, string table)
    {
        string[] lines = netns.Exec("/usr/sbin/nft", ["--debug=netlink", "list", "table", .. table.Split(' ')]).Output.Split('\n');
        string[] instructions = [.. lines.Where(static l => l.TrimStart().StartsWith('[') || l.Contains(" cni_plugins ", StringComparison.Ordinal))];
        Assert.NotEmpty(instructions);

        // A rule is announced with its handle, which counts all that was ever made in the table.
        return [.. instructions.Select(static l => l.TrimStart().StartsWith('[') ? l : string.Join(' ', l.Split(' ').Take(3)))];
    }

    private static void AssertGolden(string name, string actual)
    {
        string expected = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", name));
        Assert.True(expected == actual, $"golden/{name} differs; the kernel has:\n{actual}");
    }

    private void AddEverything()
    {
        PublishedPort[] ports = [s_tcp4, s_udp6, s_any4, s_any6];
        Assert.True(MacAddress.TryParse("02:00:00:00:00:02", out MacAddress mac));
        _store.Add(
            [
                .. ports.Select(static p => PolicyElements.Published(p, Web)),
                PolicyElements.Masqueraded(IPAddress.Parse("10.1.0.2"), Web),
                PolicyElements.Masqueraded(IPAddress.Parse("fd00::2"), Web),
                PolicyElements.Outbound(IPAddress.Parse("10.1.0.2"), IPAddress.Parse("192.0.2.50"), Web),
                PolicyElements.Outbound(IPAddress.Parse("fd00::2"), IPAddress.Parse("2001:db8:1::50"), Web),
                PolicyElements.Enclosed(IPAddress.Parse("10.1.0.2"), Web),
                PolicyElements.Enclosed(IPAddress.Parse("fd00::2"), Web),
                .. SpoofCheck.Elements("veth0123456789", mac, Web),
                .. SpoofCheck.SourceElements("veth0123456789", [IPAddress.Parse("10.1.0.2"), IPAddress.Parse("fd00::2")], Web),
            ],
            [
                PolicyElements.Network(IPNetwork.Parse("10.1.0.0/16"), "br0"),
                PolicyElements.Network(IPNetwork.Parse("fd00::/64"), "br0"),
                .. PolicyElements.Isolated("br0"),
                PolicyElements.Internal("br0"),
                PolicyElements.Apart("br0"),
            ],
            ports);
    }

    private void AddSpoofCheck(string comment)
    {
        Assert.True(MacAddress.TryParse("02:00:00:00:00:02", out MacAddress mac));
        _store.Add(SpoofCheck.Elements("veth0123456789", mac, comment), [], []);
    }

    private string Ruleset() => _host.Exec("/usr/sbin/nft", "list", "ruleset").Output;
}
