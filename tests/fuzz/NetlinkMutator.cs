namespace CniPlugins.FuzzTests;

/// <summary>Breaks netlink messages at random, repeatably, with a liking for lengths and types.</summary>
internal sealed class NetlinkMutator(int seed)
{
    private static readonly ushort[] s_lengths = [0, 1, 3, 4, 5, 8, 16, 0x7fff, 0x8000, 0xffff];

    private readonly Random _random = new(seed);

    public int Next(int limit) => _random.Next(limit);

    public byte[] Mutate(byte[] message)
    {
        List<byte> bytes = [.. message];
        for (int i = _random.Next(6); i >= 0; i--)
        {
            MutateOnce(bytes);
        }

        return [.. bytes];
    }

    private void MutateOnce(List<byte> bytes)
    {
        int at = _random.Next(bytes.Count + 1);
        int length = Math.Min(_random.Next(1, 24), bytes.Count - at);
        switch (_random.Next(7))
        {
            case 0:
                bytes.RemoveRange(at, length);
                break;
            case 1:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 2:
                bytes.Insert(at, (byte)_random.Next(256));
                break;
            case 3 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 4:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                WriteLength(bytes, at & ~3);
                break;
        }
    }

    /// <summary>At an aligned place stands the length or the type of an attribute, or a number.</summary>
    private void WriteLength(List<byte> bytes, int at)
    {
        if (at + 4 > bytes.Count)
        {
            return;
        }

        ushort value = _random.Next(3) == 0 ? (ushort)_random.Next(ushort.MaxValue) : s_lengths[_random.Next(s_lengths.Length)];
        int half = at + (2 * _random.Next(2));
        bytes[half] = (byte)(value & 0xff);
        bytes[half + 1] = (byte)(value >> 8);
    }
}
