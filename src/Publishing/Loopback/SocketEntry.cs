using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace CniPlugins.Publishing.Loopback;

/// <summary>
/// The bytes of an entry in the map <c>cni_ports_1</c>. Addresses are of 16 bytes, IPv4's as ::ffff:a.b.c.d, so that one map serves both families and a
/// program with an IPv6 socket that dials an IPv4 address.
/// </summary>
/// <remarks>
/// Key: the host's namespace cookie (u64, host order), address (16; all zero, or ::ffff:0.0.0.0, for every loopback address), port (u16, network order),
/// protocol (u8), zeros (5). Value: the container's address (16), its port (u16, network order), zeros (6), owner (u64, host order).
/// </remarks>
internal readonly record struct SocketEntry(byte[] Key, byte[] Value)
{
    public const int KeySize = 32;
    public const int ValueSize = 32;

    /// <summary>A published port as an entry; null when it is none that a socket could be led to from loopback.</summary>
    public static SocketEntry? Find(PublishedPort port, ulong cookie, string owner)
    {
        if (port.Protocol == PortProtocol.Sctp || !(port.OnEveryAddress || IPAddress.IsLoopback(port.HostAddress)))
        {
            return null;
        }

        byte[] key = new byte[KeySize];
        MemoryMarshal.Write(key, cookie);
        WriteAddress(key.AsSpan(8), port.HostAddress);
        BinaryPrimitives.WriteUInt16BigEndian(key.AsSpan(24), port.HostPort);
        key[26] = (byte)port.Protocol;
        byte[] value = new byte[ValueSize];
        WriteAddress(value, port.ContainerAddress);
        BinaryPrimitives.WriteUInt16BigEndian(value.AsSpan(16), port.ContainerPort);
        MemoryMarshal.Write(value.AsSpan(24), OwnerOf(owner));
        return new SocketEntry(key, value);
    }

    /// <summary>Whether a key is of the namespace.</summary>
    public static bool IsOf(ReadOnlySpan<byte> key, ulong cookie) => MemoryMarshal.Read<ulong>(key) == cookie;

    /// <summary>Whether a value was entered for the same owner.</summary>
    public bool HasOwnerOf(ReadOnlySpan<byte> value) => value[24..].SequenceEqual(Value.AsSpan(24));

    private static void WriteAddress(Span<byte> target, IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            target[10] = target[11] = 0xff;
            target = target[12..];
        }

        address.TryWriteBytes(target, out _);
    }

    /// <summary>FNV-1a of the owner's name: to tell one's own entry from a successor's, not to keep anybody out.</summary>
    private static ulong OwnerOf(string owner)
    {
        ulong hash = 14695981039346656037;
        foreach (byte each in Encoding.UTF8.GetBytes(owner))
        {
            hash = unchecked((hash ^ each) * 1099511628211);
        }

        return hash;
    }
}
