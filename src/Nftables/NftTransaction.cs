using System.Buffers.Binary;
using System.Runtime.InteropServices;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Uapi;
using CniPlugins.Nftables.Expressions;
using CniPlugins.Nftables.Uapi;

namespace CniPlugins.Nftables;

/// <summary>
/// Changes that the kernel makes together or not at all. Built first, then handed to <see cref="NftConnection.Commit"/>. Equivalent to what
/// <c>nft -f</c> does with a file.
/// </summary>
public sealed class NftTransaction
{
    private const int LargestMessage = 4096;

    private readonly List<NftChange> _changes = [];
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(2 * LargestMessage);
    private int _length;
    private uint _setId;

    /// <summary>Begins an empty transaction.</summary>
    public NftTransaction() => AppendBatchMark(NFNL_MSG_BATCH.BEGIN);

    /// <summary>Whether nothing was asked for.</summary>
    public bool IsEmpty => _changes.Count == 0;

    internal IReadOnlyList<NftChange> Changes => _changes;

    /// <summary>Makes a table. <c>create table</c>: EEXIST if it is there.</summary>
    public void AddTable(NftTable table, string comment)
    {
        NetlinkMessage<NFTA_TABLE> message = Begin<NFTA_TABLE>(NFT_MSG.NEWTABLE, NLM_F.CREATE | NLM_F.EXCL, table);
        message.Attributes.PutString(NFTA_TABLE.NAME, table.Name);
        NftComment.Write(message.Attributes, NFTA_TABLE.USERDATA, comment);
        End(message, new NftChange($"create table {table}"));
    }

    /// <summary>Deletes a table with all that is in it. ENOENT if it is not there.</summary>
    public void DeleteTable(NftTable table) => WriteDeletion(table, mayBeAbsent: false);

    /// <summary>Deletes a table with all that is in it; one that is not there is passed over. One of its name may be made in the same transaction.</summary>
    public void TryDeleteTable(NftTable table) => WriteDeletion(table, mayBeAbsent: true);

    /// <summary>Makes a chain. <c>create chain</c>.</summary>
    public void AddChain(NftChain chain)
    {
        NetlinkMessage<NFTA_CHAIN> message = Begin<NFTA_CHAIN>(NFT_MSG.NEWCHAIN, NLM_F.CREATE | NLM_F.EXCL, chain.Table);
        AttributeWriter<NFTA_CHAIN> attributes = message.Attributes;
        attributes.PutString(NFTA_CHAIN.TABLE, chain.Table.Name);
        attributes.PutString(NFTA_CHAIN.NAME, chain.Name);
        if (chain.Hook is NftHook hook)
        {
            attributes.PutString(NFTA_CHAIN.TYPE, hook.Type);
            attributes.PutU32BigEndian(NFTA_CHAIN.POLICY, (uint)NF.ACCEPT);
            using (attributes.Nest(NFTA_CHAIN.HOOK, out AttributeWriter<NFTA_HOOK> nested))
            {
                nested.PutU32BigEndian(NFTA_HOOK.HOOKNUM, (uint)hook.Hook);
                nested.PutU32BigEndian(NFTA_HOOK.PRIORITY, unchecked((uint)hook.Priority));
            }
        }

        End(message, new NftChange($"create chain {chain.Table} {chain.Name}"));
    }

    /// <summary>Makes a set or map. <c>create set</c>.</summary>
    public void AddSet(NftSet set)
    {
        NetlinkMessage<NFTA_SET> message = Begin<NFTA_SET>(NFT_MSG.NEWSET, NLM_F.CREATE | NLM_F.EXCL, set.Table);
        AttributeWriter<NFTA_SET> attributes = message.Attributes;
        attributes.PutString(NFTA_SET.TABLE, set.Table.Name);
        attributes.PutString(NFTA_SET.NAME, set.Name);
        attributes.PutU32BigEndian(NFTA_SET.FLAGS, (uint)set.Flags);
        attributes.PutU32BigEndian(NFTA_SET.KEY_TYPE, NftDataTypes.Number(set.KeyTypes));
        attributes.PutU32BigEndian(NFTA_SET.KEY_LEN, (uint)NftDataTypes.Length(set.KeyTypes));
        if (set.DataTypes.Count > 0)
        {
            attributes.PutU32BigEndian(NFTA_SET.DATA_TYPE, NftDataTypes.Number(set.DataTypes));
            attributes.PutU32BigEndian(NFTA_SET.DATA_LEN, (uint)NftDataTypes.Length(set.DataTypes));
        }

        attributes.PutU32BigEndian(NFTA_SET.ID, ++_setId);
        if (set.Intervals)
        {
            WriteFields(attributes, set);
        }

        if (set.KeyTypes is [NftDataType only])
        {
            WriteByteOrder(attributes, only);
        }

        End(message, new NftChange($"create set {set.Table} {set.Name}"));
    }

    /// <summary>Removes a chain with its rules; one that is not there is passed over. <c>flush chain</c>, <c>delete chain</c>. EBUSY if something jumps to it.</summary>
    public void TryDeleteChain(NftChain chain)
    {
        NetlinkMessage<NFTA_RULE> rules = Begin<NFTA_RULE>(NFT_MSG.DELRULE, 0, chain.Table);
        rules.Attributes.PutString(NFTA_RULE.TABLE, chain.Table.Name);
        rules.Attributes.PutString(NFTA_RULE.CHAIN, chain.Name);
        End(rules, new NftChange($"flush chain {chain.Table} {chain.Name}") { MayBeAbsent = true });
        NetlinkMessage<NFTA_CHAIN> message = Begin<NFTA_CHAIN>(NFT_MSG.DELCHAIN, 0, chain.Table);
        message.Attributes.PutString(NFTA_CHAIN.TABLE, chain.Table.Name);
        message.Attributes.PutString(NFTA_CHAIN.NAME, chain.Name);
        End(message, new NftChange($"delete chain {chain.Table} {chain.Name}") { MayBeAbsent = true });
    }

    /// <summary>Removes a rule; one that is not there is passed over. <c>delete rule</c>.</summary>
    public void TryDeleteRule(NftTable table, NftRuleInfo rule)
    {
        NetlinkMessage<NFTA_RULE> message = Begin<NFTA_RULE>(NFT_MSG.DELRULE, 0, table);
        message.Attributes.PutString(NFTA_RULE.TABLE, table.Name);
        message.Attributes.PutString(NFTA_RULE.CHAIN, rule.Chain);
        message.Attributes.PutU64BigEndian(NFTA_RULE.HANDLE, rule.Handle);
        End(message, new NftChange($"delete rule {table} {rule.Chain} handle {rule.Handle}") { MayBeAbsent = true });
    }

    /// <summary>Puts a rule at the end of its chain. <c>add rule</c>.</summary>
    public void AddRule(NftRule rule) => WriteRule(rule, NLM_F.CREATE | NLM_F.APPEND);

    /// <summary>Puts a rule before all others of its chain. <c>insert rule</c>.</summary>
    public void InsertRule(NftRule rule) => WriteRule(rule, NLM_F.CREATE);

    /// <summary>
    /// Puts an element into a set or map. <c>add element</c>: one with the same key and data is left as it is, one with other data is EEXIST.
    /// <c>create element</c> with <paramref name="exclusive"/>: any with the key is EEXIST.
    /// </summary>
    public void AddElement(NftSet set, NftElement element, bool exclusive = false)
    {
        NLM_F flags = exclusive ? NLM_F.CREATE | NLM_F.EXCL : NLM_F.CREATE;
        WriteElement(NFT_MSG.NEWSETELEM, flags, set, element, "add element");
    }

    /// <summary>Deletes an element; one that is not there is passed over by <see cref="NftConnection.Commit"/>.</summary>
    public void TryDeleteElement(NftSet set, NftElement element) =>
        WriteElement(NFT_MSG.DELSETELEM, 0, set, element, "delete element", mayBeAbsent: true);

    /// <summary>The same changes without those at the given places.</summary>
    internal NftTransaction Without(IReadOnlySet<int> places)
    {
        NftTransaction rest = new();
        for (int i = 0; i < _changes.Count; i++)
        {
            if (places.Contains(i))
            {
                continue;
            }

            NftChange change = _changes[i];
            ReadOnlySpan<byte> bytes = _buffer.AsSpan(change.Start, change.Length);
            bytes.CopyTo(rest.Reserve());
            rest._changes.Add(change with { Start = rest._length });
            rest._length += change.Length;
        }

        return rest;
    }

    /// <summary>
    /// The whole batch. Its messages are numbered from <paramref name="firstSequence"/> on: BATCH_BEGIN, each change, BATCH_END. Only the
    /// last change asks for an acknowledgement: the kernel queues errors in order, so whoever has read the last one's answer has read all.
    /// </summary>
    internal ReadOnlySpan<byte> Seal(uint firstSequence)
    {
        uint sequence = firstSequence;
        WriteSequence(0, sequence);
        foreach (NftChange change in _changes)
        {
            WriteSequence(change.Start, unchecked(++sequence));
        }

        Span<byte> flags = _buffer.AsSpan(_changes[^1].Start + 6, 2);
        MemoryMarshal.Write(flags, (ushort)(MemoryMarshal.Read<ushort>(flags) | (ushort)NLM_F.ACK));

        // The closing mark is not kept: what is sealed may be sealed again.
        int start = _length;
        AppendBatchMark(NFNL_MSG_BATCH.END);
        WriteSequence(start, unchecked(++sequence));
        ReadOnlySpan<byte> batch = _buffer.AsSpan(0, _length);
        _length = start;
        return batch;
    }

    internal static void WriteElementList(
        AttributeWriter<NFTA_SET_ELEM_LIST> attributes, NftSet set, NftElement element, bool keyOnly)
    {
        attributes.PutString(NFTA_SET_ELEM_LIST.TABLE, set.Table.Name);
        attributes.PutString(NFTA_SET_ELEM_LIST.SET, set.Name);
        using (attributes.Nest(NFTA_SET_ELEM_LIST.ELEMENTS, out AttributeWriter<NFTA_LIST> list))
        using (list.Nest(NFTA_LIST.ELEM, out AttributeWriter<NFTA_SET_ELEM> nested))
        {
            WriteValue(nested, NFTA_SET_ELEM.KEY, element.Key);
            if (element.KeyEnd is byte[] end)
            {
                WriteValue(nested, NFTA_SET_ELEM.KEY_END, end);
            }

            if (element.Data is byte[] data && !keyOnly)
            {
                WriteValue(nested, NFTA_SET_ELEM.DATA, data);
            }

            if (element.Comment is string comment && !keyOnly)
            {
                NftComment.Write(nested, NFTA_SET_ELEM.USERDATA, comment);
            }
        }
    }

    private static void WriteValue(AttributeWriter<NFTA_SET_ELEM> element, NFTA_SET_ELEM type, byte[] value)
    {
        using (element.Nest(type, out AttributeWriter<NFTA_DATA> data))
        {
            data.PutBytes(NFTA_DATA.VALUE, value);
        }
    }

    /// <summary>
    /// For <c>nft</c> alone, which without it takes a name for a number and prints "": libnftnl include/libnftnl/udata.h, type (u8)
    /// NFTNL_UDATA_SET_KEYBYTEORDER, length (u8), value (u32, host order): 1 host order, 2 network order.
    /// </summary>
    private static void WriteByteOrder(AttributeWriter<NFTA_SET> attributes, NftDataType type)
    {
        Span<byte> userData = [0, 4, 0, 0, 0, 0];
        MemoryMarshal.Write(userData[2..], type == NftDataType.InterfaceName ? 1u : 2u);
        attributes.PutBytes(NFTA_SET.USERDATA, userData);
    }

    private static void WriteFields(AttributeWriter<NFTA_SET> attributes, NftSet set)
    {
        using (attributes.Nest(NFTA_SET.DESC, out AttributeWriter<NFTA_SET_DESC> description))
        using (description.Nest(NFTA_SET_DESC.CONCAT, out AttributeWriter<NFTA_LIST> fields))
        {
            foreach (NftDataType type in set.KeyTypes)
            {
                using (fields.Nest(NFTA_LIST.ELEM, out AttributeWriter<NFTA_SET_FIELD> field))
                {
                    field.PutU32BigEndian(NFTA_SET_FIELD.LEN, (uint)NftDataTypes.LengthOf(type));
                }
            }
        }
    }

    private void WriteDeletion(NftTable table, bool mayBeAbsent)
    {
        NetlinkMessage<NFTA_TABLE> message = Begin<NFTA_TABLE>(NFT_MSG.DELTABLE, 0, table);
        message.Attributes.PutString(NFTA_TABLE.NAME, table.Name);
        End(message, new NftChange($"delete table {table}") { MayBeAbsent = mayBeAbsent });
    }

    private void WriteRule(NftRule rule, NLM_F flags)
    {
        NftChain chain = rule.Chain;
        NetlinkMessage<NFTA_RULE> message = Begin<NFTA_RULE>(NFT_MSG.NEWRULE, flags, chain.Table);
        AttributeWriter<NFTA_RULE> attributes = message.Attributes;
        attributes.PutString(NFTA_RULE.TABLE, chain.Table.Name);
        attributes.PutString(NFTA_RULE.CHAIN, chain.Name);
        using (attributes.Nest(NFTA_RULE.EXPRESSIONS, out AttributeWriter<NFTA_LIST> list))
        {
            foreach (IExpression expression in rule.Expressions)
            {
                using (list.Nest(NFTA_LIST.ELEM, out AttributeWriter<NFTA_EXPR> element))
                {
                    element.PutString(NFTA_EXPR.NAME, expression.Name);
                    expression.WriteData(element);
                }
            }
        }

        if (rule.Comment is not null)
        {
            NftComment.Write(attributes, NFTA_RULE.USERDATA, rule.Comment);
        }

        End(message, new NftChange($"add rule {chain.Table} {chain.Name}"));
    }

    private void WriteElement(
        NFT_MSG type, NLM_F flags, NftSet set, NftElement element, string description, bool mayBeAbsent = false)
    {
        NetlinkMessage<NFTA_SET_ELEM_LIST> message = Begin<NFTA_SET_ELEM_LIST>(type, flags, set.Table);
        WriteElementList(message.Attributes, set, element, keyOnly: type == NFT_MSG.DELSETELEM);
        End(message, new NftChange(description) { Set = set, Element = element, MayBeAbsent = mayBeAbsent });
    }

    private NetlinkMessage<TAttribute> Begin<TAttribute>(NFT_MSG type, NLM_F flags, NftTable table)
        where TAttribute : unmanaged, Enum
    {
        return NetlinkMessage<TAttribute>.Begin(
            Reserve(), NftConnection.MessageType(type), flags, 0, new NfGenMsg { Family = (byte)table.Family });
    }

    private void End<TAttribute>(NetlinkMessage<TAttribute> message, NftChange change)
        where TAttribute : unmanaged, Enum
    {
        int length = message.Seal().Length;
        _changes.Add(change with { Start = _length, Length = length });
        _length += length;
    }

    private void AppendBatchMark(NFNL_MSG_BATCH mark)
    {
        // The subsystem stands in res_id in network order, whatever the machine's.
        ushort subsystem = BinaryPrimitives.ReverseEndianness((ushort)NFNL_SUBSYS.NFTABLES);
        NfGenMsg header = new() { ResourceId = IsLittleEndian ? subsystem : (ushort)NFNL_SUBSYS.NFTABLES };
        _length += NetlinkMessage<NFTA_TABLE>.Begin(Reserve(), (ushort)mark, 0, 0, header).Length;
    }

    private static bool IsLittleEndian => MemoryMarshal.AsBytes<ushort>([1])[0] == 1;

    /// <summary>Room for one message at the end.</summary>
    private Span<byte> Reserve()
    {
        if (_buffer.Length - _length < LargestMessage)
        {
            Array.Resize(ref _buffer, checked(_buffer.Length * 2));
        }

        return _buffer.AsSpan(_length, LargestMessage);
    }

    private void WriteSequence(int start, uint sequence) => MemoryMarshal.Write(_buffer.AsSpan(start + 8), sequence);
}
