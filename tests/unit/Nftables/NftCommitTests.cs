using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Nftables;
using CniPlugins.Nftables.Uapi;
using CniPlugins.UnitTests.Netlink;

namespace CniPlugins.UnitTests.Nftables;

/// <summary>What a commit makes of the answers to a batch.</summary>
public sealed class NftCommitTests
{
    private static readonly NftSet s_set = new(new NftTable(NFPROTO.INET, "t"), "s", [NftDataType.Ipv4Address]);

    [Fact]
    public void Only_the_last_change_asks_for_an_answer_and_the_batch_is_enclosed()
    {
        ScriptedSocket socket = new(static batch => [Wire.Ack(Change(batch, ^2))]);
        using NftConnection nft = NftConnection.Open(socket);

        nft.Commit(Delete(3));
        nft.Commit(Delete(3));

        IReadOnlyList<byte[]> messages = Wire.Split(socket.Sent[0]);
        Assert.Equal([0x10, 0x0e, 0x0e, 0x0e, 0x11], messages.Select(static m => (int)m[4]));
        Assert.Equal([1, 1, 1, 5, 1], messages.Select(static m => m[6] | (m[7] << 8)));
        Assert.Equal([0, 0, 0, 10], messages[0][16..]);
        Assert.Equal([0, 0, 0, 10], messages[^1][16..]);

        // No number is used twice, so that an answer left behind is not taken for another.
        Assert.Equal(10, socket.Sent.SelectMany(Wire.Split).Select(static m => Wire.SequenceOf(m)).Distinct().Count());
    }

    [Fact]
    public void Nothing_to_do_sends_nothing()
    {
        ScriptedSocket socket = new();

        NftConnection.Open(socket).Commit(new NftTransaction());

        Assert.Empty(socket.Sent);
    }

    [Fact]
    public void Absent_deletions_are_left_out_and_the_rest_is_sent_again()
    {
        int sends = 0;
        ScriptedSocket socket = new(batch => ++sends == 1
            ? [Wire.Refusal(Change(batch, 1), 2), Wire.Refusal(Change(batch, 3), 2)]
            : [Wire.Ack(Change(batch, ^2))]);

        NftConnection.Open(socket).Commit(Delete(3));

        Assert.Equal([5, 3], socket.Sent.Select(static b => Wire.Split(b).Count));
        Assert.Equal(Change(socket.Sent[0], 2)[24..], Change(socket.Sent[1], 1)[24..]);
    }

    [Fact]
    public void All_absent_is_success()
    {
        ScriptedSocket socket = new(static batch => [Wire.Refusal(Change(batch, 1), 2)]);

        NftConnection.Open(socket).Commit(Delete(1));

        Assert.Single(socket.Sent);
    }

    [Fact]
    public void The_first_refusal_that_is_not_absence_is_reported()
    {
        ScriptedSocket socket = new(static batch =>
        [
            Wire.Refusal(Change(batch, 1), 2),
            Wire.Refusal(Change(batch, 2), 17, "in the way"),
            Wire.Refusal(Change(batch, 3), 28),
            Wire.Ack(Change(batch, ^2)),
        ]);

        NftException refused = Assert.Throws<NftException>(() => NftConnection.Open(socket).Commit(Delete(4)));

        Assert.Equal((Errno.EEXIST, s_set), (refused.Errno, refused.Set));
        Assert.Equal([10, 0, 0, 1], refused.Element?.Key);
        Assert.Equal("nftables: delete element inet t s: File exists (EEXIST): in the way", refused.Message);
    }

    [Fact]
    public void The_batch_as_a_whole_may_be_refused()
    {
        ScriptedSocket socket = new(static batch => [Wire.Refusal(batch, 1)]);

        NftException refused = Assert.Throws<NftException>(() => NftConnection.Open(socket).Commit(Delete(2)));

        Assert.Equal((Errno.EPERM, null), (refused.Errno, refused.Element));
        Assert.Equal("nftables: the transaction as a whole: Operation not permitted (EPERM)", refused.Message);
    }

    /// <summary>More refusals than the receive buffer holds: those that were read are acted on, until all are known.</summary>
    [Fact]
    public void Lost_refusals_are_found_by_asking_again()
    {
        int sends = 0;
        ScriptedSocket socket = new(batch => ++sends switch
        {
            1 => [new ScriptedSocket.Datagram([]) { Error = Errno.ENOBUFS }, Wire.Refusal(Change(batch, 1), 2)],
            2 => [Wire.Refusal(Change(batch, 1), 2), new ScriptedSocket.Datagram([]) { Error = Errno.ENOBUFS }],
            _ => [Wire.Ack(Change(batch, ^2))],
        });

        NftConnection.Open(socket).Commit(Delete(3));

        Assert.Equal([5, 4, 3], socket.Sent.Select(static b => Wire.Split(b).Count));
        Assert.Equal(TimeSpan.FromSeconds(60), socket.Timeout);
    }

    [Fact]
    public void When_all_refusals_are_lost_the_transaction_failed()
    {
        ScriptedSocket socket = new(static _ => [new ScriptedSocket.Datagram([]) { Error = Errno.ENOBUFS }]);

        Assert.Equal(Errno.ENOBUFS, Assert.Throws<NftException>(() => NftConnection.Open(socket).Commit(Delete(3))).Errno);
    }

    [Fact]
    public void No_answer_foreign_answers_and_old_ones_come_to_an_end()
    {
        ScriptedSocket silent = new(static _ => []);
        ScriptedSocket flooded = new(static batch => Enumerable.Repeat(
            new ScriptedSocket.Datagram(Wire.Ack(batch)) { Foreign = true }, 100_000));
        ScriptedSocket old = new(static batch => Enumerable.Repeat<ScriptedSocket.Datagram>(Wire.Message(Wire.Error, 0, 9999, new byte[20]), 100_000));

        Assert.Equal(Errno.EAGAIN, Assert.Throws<LinuxException>(() => NftConnection.Open(silent).Commit(Delete(1))).Errno);
        Assert.Throws<NetlinkFormatException>(() => NftConnection.Open(flooded).Commit(Delete(1)));
        Assert.Throws<NetlinkFormatException>(() => NftConnection.Open(old).Commit(Delete(1)));
    }

    [Fact]
    public void A_change_that_cannot_be_written_leaves_the_transaction_usable()
    {
        NftTransaction transaction = Delete(1);

        Assert.Throws<InvalidOperationException>(() => transaction.AddElement(s_set, new NftElement(new byte[5000])));
        transaction.TryDeleteElement(s_set, new NftElement([10, 0, 0, 9]));

        ScriptedSocket socket = new(static batch => [Wire.Ack(Change(batch, ^2))]);
        NftConnection.Open(socket).Commit(transaction);
        Assert.Equal(4, Wire.Split(socket.Sent[0]).Count);
    }

    private static byte[] Change(byte[] batch, Index index) => Wire.Split(batch)[index];

    private static NftTransaction Delete(int count)
    {
        NftTransaction transaction = new();
        for (int i = 0; i < count; i++)
        {
            transaction.TryDeleteElement(s_set, new NftElement([10, 0, 0, (byte)i]));
        }

        return transaction;
    }
}
