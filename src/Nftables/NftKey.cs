using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace CniPlugins.Nftables;

/// <summary>
/// Puts the bytes of a key or of data together, field by field. In a concatenation each field is padded to whole 32-bit registers; a field
/// alone is as long as its type, and the kernel accepts no other length.
/// </summary>
public sealed class NftKey
{
    private readonly List<byte> _bytes = new(40);
    private int _fields;

    /// <summary>An IP address.</summary>
    public NftKey Add(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return AddField(bytes[..length]);
    }

    /// <summary>An IP protocol number.</summary>
    public NftKey AddProtocol(byte protocol) => AddField([protocol]);

    /// <summary>A port.</summary>
    public NftKey AddPort(ushort port)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, port);
        return AddField(bytes);
    }

    /// <summary>An interface's name, up to 15 bytes.</summary>
    public NftKey AddInterfaceName(string name)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        Encoding.UTF8.GetBytes(name, bytes[..15]);
        return AddField(bytes);
    }

    /// <summary>An interface's name as a rule or an element has it: up to the first NUL.</summary>
    public static string ReadInterfaceName(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    /// <summary>The finished bytes.</summary>
    public byte[] ToArray()
    {
        if (_fields > 1)
        {
            Pad();
        }

        return [.. _bytes];
    }

    private NftKey AddField(scoped ReadOnlySpan<byte> field)
    {
        Pad();
        foreach (byte value in field)
        {
            _bytes.Add(value);
        }

        _fields++;
        return this;
    }

    private void Pad()
    {
        while (_bytes.Count % 4 != 0)
        {
            _bytes.Add(0);
        }
    }
}
