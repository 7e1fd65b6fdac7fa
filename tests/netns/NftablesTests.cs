using System.Buffers.Binary;
using System.Net;
using System.Text.Json;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.NetnsTests.Harness;
using CniPlugins.Nftables;
using CniPlugins.Nftables.Conntrack;
using CniPlugins.Nftables.Expressions;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.NetnsTests;

/// <summary>Transactions against the running kernel, judged by <c>nft -j</c>.</summary>
public sealed class NftablesTests : IDisposable
{
    private static readonly NftTable s_table = new(NFPROTO.INET, "test");
    private static readonly NftSet s_set = new(s_table, "addresses", [NftDataType.Ipv4Address]);
    private static readonly NftSet s_map = new(s_table, "ports", [NftDataType.InetService]) { DataTypes = [NftDataType.Ipv4Address] };

    private readonly Netns _host = Netns.Create("host");
    private readonly NftConnection _nft;

    public NftablesTests() => _nft = _host.Run(static () => NftConnection.Open(NetlinkSocket.Kernel));

    public void Dispose()
    {
        _nft.Dispose();
        _host.Dispose();
    }

    [Fact]
    public void A_table_with_everything_in_it_is_made_at_once()
    {
        NftChain chain = new(s_table, "forward") { Hook = new NftHook("filter", NF_INET.FORWARD, -5) };
        NftSet ranges = new(s_table, "ranges", [NftDataType.Ipv4Address, NftDataType.InterfaceName]) { Intervals = true };
        NftTransaction transaction = new();
        transaction.AddTable(s_table, "a comment");
        transaction.AddSet(s_set);
        transaction.AddSet(s_map);
        transaction.AddSet(ranges);
        transaction.AddChain(chain);
        transaction.AddRule(new NftRule(chain, "drops",
        [
            new Meta(NFT_META.NFPROTO, NFT.REG32_00),
            new Compare(NFT.REG32_00, NFT_CMP.EQ, [(byte)NFPROTO.IPV4]),
            Payload.Ipv4Source(NFT.REG32_00),
            new Lookup(s_set, NFT.REG32_00),
            Verdict.Drop,
        ]));
        transaction.AddElement(s_set, Address(1) with { Comment = new string('é', 100) });
        transaction.AddElement(s_map, new NftElement(new NftKey().AddPort(80).ToArray()) { Data = [10, 0, 0, 9], Comment = "web" });
        transaction.AddElement(ranges, new NftElement([10, 0, 0, 0, .. new NftKey().AddInterfaceName("br0").ToArray()])
        {
            KeyEnd = [10, 0, 255, 255, .. new NftKey().AddInterfaceName("br0").ToArray()],
        });

        _nft.Commit(transaction);

        string listed = _host.Exec("/usr/sbin/nft", "list", "table", "inet", "test").Output;
        Assert.Contains("type filter hook forward priority filter - 5; policy accept;", listed, StringComparison.Ordinal);
        Assert.Contains("ip saddr @addresses drop comment \"drops\"", listed, StringComparison.Ordinal);
        Assert.Contains("elements = { 80 comment \"web\" : 10.0.0.9 }", listed, StringComparison.Ordinal);
        Assert.Contains("elements = { 10.0.0.0/16 . \"br0\" }", listed, StringComparison.Ordinal);
        Assert.Contains($"comment \"{new string('é', 63)}\"", listed, StringComparison.Ordinal);
        Assert.Equal("web", _nft.FindElement(s_map, new NftElement(new NftKey().AddPort(80).ToArray()))?.Comment);
        Assert.Equal([10, 0, 0, 9], _nft.FindElement(s_map, new NftElement(new NftKey().AddPort(80).ToArray()))?.Data);
        Assert.Equal([10, 0, 255, 255], Assert.Single(_nft.ListElements(ranges)).KeyEnd?[..4]);
        Assert.Equal(1, _nft.CountRules(s_table));
    }

    [Fact]
    public void What_is_absent_is_answered_and_not_thrown()
    {
        Assert.False(_nft.HasTable(s_table));
        Assert.Null(_nft.FindElement(s_set, Address(1)));
        Assert.Empty(_nft.ListElements(s_set));
        Assert.Equal(0, _nft.CountRules(s_table));
        NftTransaction nothing = new();
        nothing.TryDeleteElement(s_set, Address(1));
        _nft.Commit(nothing);
        _nft.Commit(new NftTransaction());
        NftTransaction delete = new();
        delete.DeleteTable(s_table);
        Assert.Equal(Errno.ENOENT, Assert.Throws<NftException>(() => _nft.Commit(delete)).Errno);
    }

    [Fact]
    public void One_refusal_undoes_all_and_is_named()
    {
        MakeTable();
        Put(Address(1));
        NftTransaction transaction = new();
        transaction.AddElement(s_set, Address(2), exclusive: true);
        transaction.TryDeleteElement(s_set, Address(77));
        transaction.AddElement(s_set, Address(1), exclusive: true);
        transaction.AddElement(s_map with { Name = "nosuch" }, new NftElement([0, 80, 0, 0]) { Data = [1, 2, 3, 4] });
        transaction.AddElement(s_set, Address(3), exclusive: true);

        NftException refused = Assert.Throws<NftException>(() => _nft.Commit(transaction));

        Assert.Equal((Errno.EEXIST, s_set), (refused.Errno, refused.Set));
        Assert.Equal(Address(1).Key, refused.Element?.Key);
        Assert.Equal("nftables: add element inet test addresses: File exists (EEXIST)", refused.Message);
        Assert.Equal(1, Count("addresses"));

        // The connection goes on, with the answers of before all read.
        Put(Address(4));
        Assert.Equal(2, Count("addresses"));
    }

    [Fact]
    public void Deletions_of_what_is_gone_do_not_hold_up_the_rest()
    {
        MakeTable();
        Put(Address(1), Address(2));
        NftTransaction transaction = new();
        transaction.TryDeleteElement(s_set, Address(9));
        transaction.TryDeleteElement(s_set, Address(1));
        transaction.AddElement(s_set, Address(3));
        transaction.TryDeleteElement(s_set, Address(10));

        _nft.Commit(transaction);
        _nft.Commit(transaction);   // again: what was built is not used up

        Assert.Equal(2, Count("addresses"));
        Assert.Null(_nft.FindElement(s_set, Address(1)));
    }

    /// <summary>A batch longer than net.core.wmem_default, and more refusals than rmem_default holds.</summary>
    [Fact]
    public void Ten_thousand_elements_come_and_go_in_one_transaction()
    {
        MakeTable();
        NftTransaction add = new();
        NftTransaction delete = new();
        for (int i = 1; i <= 10_000; i++)
        {
            add.AddElement(s_set, Address(i) with { Comment = $"network-{i}/container-0123456789abcdef/eth0" }, exclusive: true);
            delete.TryDeleteElement(s_set, Address(i));
            delete.TryDeleteElement(s_set, Address(1_000_000 + i));
        }

        _nft.Commit(add);
        Assert.Equal(10_000, Count("addresses"));
        Assert.Equal(10_000, _nft.ListElements(s_set).Count);
        Assert.Equal("network-7777/container-0123456789abcdef/eth0", _nft.FindElement(s_set, Address(7777))?.Comment);

        NftTransaction again = new();
        again.AddElement(s_set, Address(5), exclusive: true);
        Assert.Throws<NftException>(() => _nft.Commit(again));

        _nft.Commit(delete);
        Assert.Equal(0, Count("addresses"));
    }

    /// <summary>Every one of the many is refused; the first is the one reported.</summary>
    [Fact]
    public void Ten_thousand_refusals_are_read()
    {
        MakeTable();
        NftTransaction transaction = new();
        for (int i = 1; i <= 10_000; i++)
        {
            transaction.AddElement(s_set with { Name = $"nosuch{i}" }, Address(i));
        }

        Assert.Equal("nosuch1", Assert.Throws<NftException>(() => _nft.Commit(transaction)).Set?.Name);
        Put(Address(1));
        Assert.Equal(1, Count("addresses"));
    }

    /// <summary>The examples of src/Nftables/README.md.</summary>
    [Fact]
    public void The_readmes_examples() => _host.Run(() =>
    {
        NftTable table = new(NFPROTO.INET, "example");
        NftSet blocked = new(table, "blocked", [NftDataType.Ipv4Address]);
        NftChain input = new(table, "input") { Hook = new NftHook("filter", NF_INET.LOCAL_IN, 0) };

        NftTransaction transaction = new();
        transaction.AddTable(table, "made by an example");
        transaction.AddSet(blocked);
        transaction.AddChain(input);
        transaction.AddRule(new NftRule(input, "blocked sources",
        [
            new Meta(NFT_META.NFPROTO, NFT.REG32_00),
            new Compare(NFT.REG32_00, NFT_CMP.EQ, [(byte)NFPROTO.IPV4]),
            Payload.Ipv4Source(NFT.REG32_00),
            new Lookup(blocked, NFT.REG32_00),
            Verdict.Drop,
        ]));
        transaction.AddElement(blocked, new NftElement(new NftKey().Add(IPAddress.Parse("192.0.2.7")).ToArray()) { Comment = "why" });

        using NftConnection nft = NftConnection.Open(NetlinkSocket.Kernel);
        nft.Commit(transaction);

        using ConntrackConnection conntrack = ConntrackConnection.Open(NetlinkSocket.Kernel);
        int forgotten = conntrack.Delete(ConntrackFilter.ToPort(protocol: 17, port: 53));

        string listed = _host.Exec("/usr/sbin/nft", "list", "table", "inet", "example").Output;
        Assert.Contains("elements = { 192.0.2.7 comment \"why\" }", listed, StringComparison.Ordinal);
        Assert.Contains("ip saddr @blocked drop comment \"blocked sources\"", listed, StringComparison.Ordinal);
        Assert.Equal(0, forgotten);
    });

    private static NftElement Address(int number)
    {
        byte[] key = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(key, 0x0a000000 + number);
        return new NftElement(key);
    }

    private void MakeTable()
    {
        NftTransaction transaction = new();
        transaction.AddTable(s_table, "test");
        transaction.AddSet(s_set);
        transaction.AddSet(s_map);
        _nft.Commit(transaction);
    }

    private void Put(params ReadOnlySpan<NftElement> elements)
    {
        NftTransaction transaction = new();
        foreach (NftElement element in elements)
        {
            transaction.AddElement(s_set, element);
        }

        _nft.Commit(transaction);
    }

    private int Count(string set)
    {
        JsonElement listed = _host.Nft($"-j list set inet test {set}");
        JsonElement found = listed.GetProperty("nftables").EnumerateArray().Single(static e => e.Find("set") is not null).GetProperty("set");
        return found.Find("elem")?.GetArrayLength() ?? 0;
    }
}
