using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace CniPlugins.Nftables;

/// <summary>Puts the bytes of a key or of data together, field by field, each padded to whole 32-bit registers.</summary>
public readonly ref struct NftKey
{
    private readonly List<byte> _bytes = new(40);

    /// <summary>Begins an empty key.</summary>
    public NftKey()
    {
    }

    /// <summary>An IP address.</summary>
    public NftKey Add(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return AddPadded(bytes[..length]);
    }

    /// <summary>An IP protocol number.</summary>
    public NftKey AddProtocol(byte protocol) => AddPadded([protocol]);

    /// <summary>A port.</summary>
    public NftKey AddPort(ushort port)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, port);
        return AddPadded(bytes);
    }

    /// <summary>An interface's name, up to 15 bytes.</summary>
    public NftKey AddInterfaceName(string name)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        Encoding.UTF8.GetBytes(name, bytes[..15]);
        return AddPadded(bytes);
    }

    /// <summary>The finished bytes.</summary>
    public byte[] ToArray() => [.. _bytes];

    private NftKey AddPadded(scoped ReadOnlySpan<byte> field)
    {
        foreach (byte value in field)
        {
            _bytes.Add(value);
        }

        while (_bytes.Count % 4 != 0)
        {
            _bytes.Add(0);
        }

        return this;
    }
}
