using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Uapi;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables;

/// <summary>nf_tables of one network namespace: the one in which its socket was opened.</summary>
public sealed class NftConnection : NetlinkConnection
{
    private static readonly object s_present = new();

    private NftConnection(INetlinkSocket socket)
        : base(socket, NftAttributeNames.Instance)
    {
    }

    /// <summary>Opens a connection in the calling thread's namespace.</summary>
    /// <exception cref="LinuxException">EPROTONOSUPPORT: this kernel has no netfilter netlink.</exception>
    public static NftConnection Open(INetlinkSockets sockets) => new(sockets.Open(NETLINK.NETFILTER));

    /// <summary>
    /// Makes all changes of the transaction together. Deletions of what is gone already are left out. Closing the connection after a deletion
    /// waits for an RCU grace period (12 to 16 ms), after additions alone it does not.
    /// </summary>
    /// <exception cref="NftException">The kernel refused a change, and so all of them.</exception>
    public void Commit(NftTransaction transaction)
    {
        while (!transaction.IsEmpty)
        {
            HashSet<int> absent = [];
            Refusal? refusal = Send(transaction, absent);
            if (refusal is not null)
            {
                throw new NftException(refusal.Error.Errno, refusal.Description, refusal.Error.Message, refusal.Change);
            }

            if (absent.Count == 0)
            {
                return;
            }

            transaction = transaction.Without(absent);
        }
    }

    /// <summary>Whether the table is there. <c>nft list tables</c>, for one.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public bool HasTable(NftTable table)
    {
        NetlinkMessage<NFTA_TABLE> request = Request<NfGenMsg, NFTA_TABLE>(
            MessageType(NFT_MSG.GETTABLE), 0, new NfGenMsg { Family = (byte)table.Family });
        request.Attributes.PutString(NFTA_TABLE.NAME, table.Name);
        return Find<NFTA_TABLE, object>(request, static _ => s_present, $"table {table}") is not null;
    }

    /// <summary>The element with that key, with data and comment; null if there is none (or no such set). <c>nft get element</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public NftElement? FindElement(NftSet set, NftElement element)
    {
        NetlinkMessage<NFTA_SET_ELEM_LIST> request = Request<NfGenMsg, NFTA_SET_ELEM_LIST>(
            MessageType(NFT_MSG.GETSETELEM), 0, new NfGenMsg { Family = (byte)set.Table.Family });
        NftTransaction.WriteElementList(request.Attributes, set, element, keyOnly: true);
        return Find<NFTA_SET_ELEM_LIST, NftElement>(
            request, static reply => NftElementParser.Parse(reply) is [NftElement first, ..] ? first : null, $"element of {set.Table} {set.Name}");
    }

    /// <summary>As <see cref="FindElement"/> for many, in as few system calls as may be; null where there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<NftElement?> FindElements(IReadOnlyList<(NftSet Set, NftElement Element)> wanted)
    {
        return FindEach(
            wanted.Count,
            (index, buffer, sequence) =>
            {
                (NftSet set, NftElement element) = wanted[index];
                NetlinkMessage<NFTA_SET_ELEM_LIST> request = NetlinkMessage<NFTA_SET_ELEM_LIST>.Begin(
                    buffer, MessageType(NFT_MSG.GETSETELEM), NLM_F.REQUEST, sequence, new NfGenMsg { Family = (byte)set.Table.Family });
                NftTransaction.WriteElementList(request.Attributes, set, element, keyOnly: true);
                return request.Seal().Length;
            },
            static reply => NftElementParser.Parse(reply) is [NftElement first, ..] ? first : null,
            "elements");
    }

    /// <summary>All elements of a set or map; none if there is no such set. Costs time with their number: not for ADD or DEL.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<NftElement> ListElements(NftSet set)
    {
        NetlinkMessage<NFTA_SET_ELEM_LIST> request = Request<NfGenMsg, NFTA_SET_ELEM_LIST>(
            MessageType(NFT_MSG.GETSETELEM), NLM_F.DUMP, new NfGenMsg { Family = (byte)set.Table.Family });
        request.Attributes.PutString(NFTA_SET_ELEM_LIST.TABLE, set.Table.Name);
        request.Attributes.PutString(NFTA_SET_ELEM_LIST.SET, set.Name);
        List<NftElement> elements = [];
        try
        {
            foreach (IReadOnlyList<NftElement> part in Dump<NFTA_SET_ELEM_LIST, IReadOnlyList<NftElement>>(
                request, NftElementParser.Parse, $"elements of {set.Table} {set.Name}"))
            {
                elements.AddRange(part);
            }
        }
        catch (NetlinkException e) when (e.Errno == Errno.ENOENT)
        {
            // No table or no set: no elements.
        }

        return elements;
    }

    /// <summary>A chain as the kernel has it; null if there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public NftChain? FindChain(NftChain chain)
    {
        NetlinkMessage<NFTA_CHAIN> request = Request<NfGenMsg, NFTA_CHAIN>(
            MessageType(NFT_MSG.GETCHAIN), 0, new NfGenMsg { Family = (byte)chain.Table.Family });
        request.Attributes.PutString(NFTA_CHAIN.TABLE, chain.Table.Name);
        request.Attributes.PutString(NFTA_CHAIN.NAME, chain.Name);
        return Find<NFTA_CHAIN, NftChain>(request, reply => chain with { Drops = Drops(reply) }, $"chain {chain.Table} {chain.Name}");
    }

    /// <summary>The rules of a chain from first to last; none if there is no such chain.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IReadOnlyList<NftRuleInfo> ListRules(NftChain chain)
    {
        NetlinkMessage<NFTA_RULE> request = Request<NfGenMsg, NFTA_RULE>(
            MessageType(NFT_MSG.GETRULE), NLM_F.DUMP, new NfGenMsg { Family = (byte)chain.Table.Family });
        request.Attributes.PutString(NFTA_RULE.TABLE, chain.Table.Name);
        request.Attributes.PutString(NFTA_RULE.CHAIN, chain.Name);
        return Dump<NFTA_RULE, NftRuleInfo>(request, NftRuleParser.Parse, $"rules of {chain.Table} {chain.Name}");
    }

    /// <summary>How many rules a table has, over all its chains: whether somebody flushed or changed it.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public int CountRules(NftTable table)
    {
        NetlinkMessage<NFTA_RULE> request = Request<NfGenMsg, NFTA_RULE>(
            MessageType(NFT_MSG.GETRULE), NLM_F.DUMP, new NfGenMsg { Family = (byte)table.Family });
        request.Attributes.PutString(NFTA_RULE.TABLE, table.Name);
        return Dump<NFTA_RULE, object>(request, static _ => s_present, $"rules of {table}").Count;
    }

    private static bool Drops(NetlinkReply reply)
    {
        foreach (NetlinkAttribute attribute in reply.AttributesAfter<NfGenMsg>())
        {
            if (attribute.As<NFTA_CHAIN>() == NFTA_CHAIN.POLICY)
            {
                return attribute.GetU32BigEndian() == (uint)NF.DROP;
            }
        }

        return false;
    }

    internal static ushort MessageType(NFT_MSG type) => (ushort)(((int)NFNL_SUBSYS.NFTABLES << 8) | (int)type);

    /// <summary>
    /// Sends a batch and reads to its last answer. The first refusal that is not mere absence is the one reported; places of absent elements
    /// are collected, for the kernel names each of them.
    /// </summary>
    private Refusal? Send(NftTransaction transaction, HashSet<int> absent)
    {
        uint batchBegin = ReserveSequences(transaction.Changes.Count + 2);
        Send(transaction.Seal(batchBegin));
        Refusal? refusal = null;
        int strays = 0;
        while (true)
        {
            ReadOnlySpan<byte> datagram;
            try
            {
                datagram = Receive();
            }
            catch (LinuxException e) when (e.Errno == Errno.ENOBUFS)
            {
                // More refusals than the receive buffer holds, the last one among the lost. Those that are left have all been queued.
                ReadRest(transaction, batchBegin, absent, ref refusal);
                return refusal ?? (absent.Count > 0 ? null : new Refusal(new KernelError(e.Errno, null, null), "the refusals", null));
            }

            if (ReadAnswers(datagram, transaction, batchBegin, absent, ref refusal) is not bool last)
            {
                CountStray(ref strays);
            }
            else if (last)
            {
                return refusal;
            }
        }
    }

    private void ReadRest(NftTransaction transaction, uint batchBegin, HashSet<int> absent, ref Refusal? refusal)
    {
        SetReceiveTimeout(TimeSpan.FromMilliseconds(1));
        try
        {
            while (true)
            {
                ReadAnswers(Receive(), transaction, batchBegin, absent, ref refusal);
            }
        }
        catch (LinuxException e) when (e.Errno == Errno.EAGAIN)
        {
            // All that was queued is read.
        }
        finally
        {
            SetReceiveTimeout(NetlinkSocket.Patience);
        }
    }

    /// <summary>Null: no answer to this batch. True: the last one, of the last change or of the batch as a whole.</summary>
    private static bool? ReadAnswers(
        ReadOnlySpan<byte> datagram, NftTransaction transaction, uint batchBegin, HashSet<int> absent, ref Refusal? refusal)
    {
        bool? last = null;
        while (!datagram.IsEmpty)
        {
            NetlinkReply reply = Next(ref datagram);
            uint number = unchecked(reply.Header.Sequence - batchBegin);
            if ((NLMSG)reply.Header.Type != NLMSG.ERROR || number > transaction.Changes.Count)
            {
                continue;
            }

            KernelError? error = KernelError.Parse(reply);
            last = (last ?? false) || number == transaction.Changes.Count || (number == 0 && error is not null);
            if (error is null)
            {
                continue;
            }

            if (number == 0)
            {
                refusal = new Refusal(error, "the transaction as a whole", null);
                return true;
            }

            int place = (int)number - 1;
            NftChange change = transaction.Changes[place];
            if (error.Errno == Errno.ENOENT && change.MayBeAbsent)
            {
                absent.Add(place);
            }
            else
            {
                refusal ??= new Refusal(error, change.Description, change);
            }
        }

        return last;
    }

    private sealed record Refusal(KernelError Error, string Description, NftChange? Change);
}
