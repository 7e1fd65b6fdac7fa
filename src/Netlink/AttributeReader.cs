using System.Runtime.CompilerServices;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink;

/// <summary>Walks attributes: <c>foreach (NetlinkAttribute a in reply.Attributes)</c>.</summary>
public ref struct AttributeReader
{
    private const ushort TypeMask = unchecked((ushort)~(NLA.F_NESTED | NLA.F_NET_BYTEORDER));

    private ReadOnlySpan<byte> _rest;

    /// <summary>Reads the bytes as a sequence of attributes.</summary>
    public AttributeReader(ReadOnlySpan<byte> bytes)
    {
        _rest = bytes;
        Current = default;
    }

    /// <summary>The attribute under the cursor.</summary>
    public NetlinkAttribute Current { get; private set; }

    /// <summary>A reader is its own enumerator.</summary>
    public readonly AttributeReader GetEnumerator() => this;

    /// <summary>Moves to the next attribute.</summary>
    /// <exception cref="NetlinkFormatException">A length that is shorter than a header or points past the end.</exception>
    public bool MoveNext()
    {
        if (_rest.Length < 4)
        {
            return _rest.IsEmpty ? false : throw new NetlinkFormatException($"{_rest.Length} bytes after the last netlink attribute");
        }

        int length = Unsafe.ReadUnaligned<ushort>(in _rest[0]);
        if (length < 4 || length > _rest.Length)
        {
            throw new NetlinkFormatException($"a netlink attribute of {length} bytes where {_rest.Length} are left");
        }

        ushort type = (ushort)(Unsafe.ReadUnaligned<ushort>(in _rest[2]) & TypeMask);
        Current = new NetlinkAttribute(type, _rest[4..length]);
        _rest = _rest[Math.Min(MessageBuffer.Align(length), _rest.Length)..];
        return true;
    }
}
