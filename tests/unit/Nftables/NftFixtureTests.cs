using System.Net;
using System.Text;
using CniPlugins.Nftables;
using CniPlugins.Nftables.Uapi;
using CniPlugins.UnitTests.Netlink;

namespace CniPlugins.UnitTests.Nftables;

/// <summary>
/// Our batch beside the one that nft sends for the same table; every difference is named, with its reason. (Rules are compared in
/// tests/netns, as the instructions that the kernel gives back.)
/// </summary>
public sealed class NftFixtureTests
{
    private static readonly NftTable s_table = new(NFPROTO.INET, "t");
    private static readonly NftSet s_addresses = new(s_table, "addresses", [NftDataType.Ipv4Address]);

    private static readonly NftSet s_published = new(
        s_table, "published", [NftDataType.Ipv4Address, NftDataType.InetProtocol, NftDataType.InetService])
    {
        DataTypes = [NftDataType.Ipv4Address, NftDataType.InetService],
    };

    private static readonly NftSet s_networks = new(s_table, "networks", [NftDataType.Ipv4Address, NftDataType.InterfaceName]) { Intervals = true };

    private static readonly string[] s_known =
    [
        "NEWTABLE t - 2 = 00000000",             // no flags is what the kernel assumes
        "NEWTABLE t - flags 0x1",                // "table" in a file is "add"; ours is "create", here and below
        "NEWTABLE t + flags 0x601",
        "NEWCHAIN published - flags 0x401",
        "NEWCHAIN published + flags 0x601",
        "NEWCHAIN forward - flags 0x401",
        "NEWCHAIN forward + flags 0x601",
        "NEWSET addresses - flags 0x401",
        "NEWSET addresses + flags 0x601",
        "NEWSET names - flags 0x401",
        "NEWSET names + flags 0x601",
        "NEWSET published - 13 = 000400000000010400000000030800040d0000000100040800040d0000000100060400000000",   // typeof, for listing
        "NEWSET published - flags 0x401",
        "NEWSET published + flags 0x601",
        "NEWSET networks - 13 = 000400000000030800040d0000000100",
        "NEWSET networks - flags 0x401",
        "NEWSET networks + flags 0x601",
        "NEWSETELEM addresses - 4 = 00000001",   // a set made in the same batch is found by name as well
        "NEWSETELEM published - 4 = 00000003",
        "NEWSETELEM networks - 4 = 00000004",
        "NEWSETELEM networks - flags 0x401",     // NLM_F_ACK on our last change
        "NEWSETELEM networks + flags 0x405",
    ];

    [Fact]
    public void Every_message_is_nfts_up_to_what_is_named()
    {
        Dictionary<string, byte[]> theirs = ByName(Fixture.Read("nft-table"));
        Dictionary<string, byte[]> ours = ByName(OurBatch());
        List<string> differences = [];
        foreach ((string name, byte[] message) in ours)
        {
            differences.AddRange(Wire.Difference(theirs[name], message, 4).Select(line => $"{name} {line}"));
        }

        Assert.Equal(theirs.Keys.Order(), ours.Keys.Order());
        Assert.True(s_known.SequenceEqual(differences), string.Join("\n", differences));
    }

    private static byte[] OurBatch()
    {
        NftTransaction transaction = new();
        transaction.AddTable(s_table, "a table");
        transaction.AddChain(new NftChain(s_table, "published"));
        transaction.AddChain(new NftChain(s_table, "forward") { Hook = new NftHook("filter", NF_INET.FORWARD, -5) });
        transaction.AddSet(s_addresses);
        transaction.AddSet(new NftSet(s_table, "names", [NftDataType.InterfaceName]));
        transaction.AddSet(s_published);
        transaction.AddSet(s_networks);
        transaction.AddElement(s_addresses, new NftElement([10, 0, 0, 1]) { Comment = "web/c1/eth0" });
        transaction.AddElement(s_published, new NftElement(new NftKey().Add(IPAddress.Parse("192.0.2.1")).AddProtocol(6).AddPort(8080).ToArray())
        {
            Data = new NftKey().Add(IPAddress.Parse("10.1.0.2")).AddPort(80).ToArray(),
            Comment = "web",
        });
        transaction.AddElement(s_networks, new NftElement(new NftKey().Add(IPAddress.Parse("10.1.0.0")).AddInterfaceName("br0").ToArray())
        {
            KeyEnd = new NftKey().Add(IPAddress.Parse("10.1.255.255")).AddInterfaceName("br0").ToArray(),
            Comment = "br0",
        });
        return transaction.Seal(7).ToArray();
    }

    /// <summary>Messages by type and by the name they are about.</summary>
    private static Dictionary<string, byte[]> ByName(byte[] batch)
    {
        Dictionary<string, byte[]> messages = [];
        foreach (byte[] message in Wire.Split(batch))
        {
            if (message[5] != 10)
            {
                messages[message[4] == 16 ? "BEGIN" : "END"] = message;
                continue;
            }

            // The table's name is "t" throughout: its attribute takes 8 bytes, the next one is the chain's or the set's.
            string name = message[4] == 0 ? "t" : Encoding.UTF8.GetString(message.AsSpan(32, message[28] - 5));
            messages[$"{(NFT_MSG)message[4]} {name}"] = message;
        }

        return messages;
    }
}
