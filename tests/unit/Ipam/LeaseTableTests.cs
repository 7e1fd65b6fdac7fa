using CniPlugins.Ipam;
using CsCheck;

namespace CniPlugins.UnitTests.Ipam;

/// <summary>The index's table against a plain set.</summary>
public sealed class LeaseTableTests
{
    [Fact]
    public void A_table_answers_as_a_plain_set_does() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 700], Gen.Int[0, 40]).Array[0, 1500].Sample(
            steps =>
            {
                LeaseTable table = LeaseTable.InMemory();
                Dictionary<UInt128, ulong> model = [];
                foreach ((int action, int number, int owner) in steps)
                {
                    UInt128 address = Address(number);
                    if (action > 0 && model.TryAdd(address, (ulong)owner))
                    {
                        table = table.IsCrowded ? table.Grow() : table;
                        table.Add(new LeaseRecord((ulong)owner, address, 1, 2, number % 2 == 0));
                    }
                    else if (action == 0 && model.Remove(address, out ulong holder))
                    {
                        table.Remove(holder, address);
                    }
                }

                foreach (ulong owner in model.Values.Distinct().Append(99ul))
                {
                    Assert.Equal(
                        model.Where(p => p.Value == owner).Select(p => p.Key).Order(),
                        table.List(owner).Select(r => r.Address).Order());
                }

                Assert.Equal(model.Keys.Order(), table.List().Select(r => r.Address).Order());
                for (int number = 0; number <= 700; number++)
                {
                    UInt128 from = Address(number), to = from + 600;
                    UInt128? expected = null;
                    for (UInt128 candidate = from; candidate <= to && expected is null; candidate++)
                    {
                        expected = model.ContainsKey(candidate) ? null : candidate;
                    }

                    Assert.Equal(expected, table.Tree.FindFree(from, to));
                }

                foreach ((int from, int to) in new[] { (3, 300), (0, 599), (300, 300), (0, 620), (605, 649) })
                {
                    Assert.Equal(
                        model.Keys.Count(a => a >= Address(from) && a <= Address(to)), table.Tree.Count(Address(from), Address(to)));
                }
            },
            iter: 60);

    // Three neighbourhoods, so that blocks fill up and blocks lie far apart; one crosses from one block of the second level to the next.
    private static UInt128 Address(int number) => number switch
    {
        < 600 => AddressMath.FromIPv4(0x0A00_FF00) + (UInt128)number,
        < 650 => new UInt128(0xFD00_0000_0000_0000, (ulong)number << 40),
        _ => new UInt128(0x2001_0DB8_0000_0000, ulong.MaxValue - 700 + (ulong)number),
    };

    [Fact]
    public void One_free_address_in_65536_is_found_by_a_few_reads()
    {
        LeaseTable table = LeaseTable.InMemory(8192);
        UInt128 first = AddressMath.FromIPv4(0x0A00_0000);
        for (uint i = 0; i < 65536; i++)
        {
            table.Tree.SetTaken(first + i);
        }

        Assert.Null(table.Tree.FindFree(first, first + 65535));
        Assert.Equal(first + 65536, table.Tree.FindFree(first, first + 65536));
        table.Tree.SetFree(first + 12345);
        Assert.Equal(first + 12345, table.Tree.FindFree(first, first + 65535));
        Assert.Equal(first + 12345, table.Tree.FindFree(first + 12345, first + 12345));
        Assert.Null(table.Tree.FindFree(first + 12346, first + 65535));
        Assert.Equal(65535, table.Tree.Count(first, first + 65535));
        for (uint i = 0; i < 65536; i++)
        {
            table.Tree.SetFree(first + i);
        }

        Assert.Equal(0, table.Used);
    }

    [Fact]
    public void The_ends_of_the_number_line_are_no_trap()
    {
        LeaseTable table = LeaseTable.InMemory(1024);
        for (uint i = 0; i < 300; i++)
        {
            table.Tree.SetTaken(UInt128.MaxValue - i);
        }

        Assert.Null(table.Tree.FindFree(UInt128.MaxValue - 299, UInt128.MaxValue));
        Assert.Equal(UInt128.MaxValue - 300, table.Tree.FindFree(UInt128.MaxValue - 300, UInt128.MaxValue));
    }

    [Fact]
    public void A_table_without_an_empty_slot_is_damaged_and_not_endless()
    {
        byte[] bytes = new byte[SlotTable.HeaderSize + (64 * SlotTable.SlotSize)];
        Array.Fill(bytes, (byte)1);
        LeaseTable table = new(new TableStorage(bytes), 64, 10, 0);
        Assert.Throws<InvalidDataException>(() => table.List(7));
        Assert.Throws<InvalidDataException>(() => table.Tree.FindFree(1, 2));
        Assert.Throws<InvalidDataException>(() => table.Tree.SetTaken(1));
    }
}
