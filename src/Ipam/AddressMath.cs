using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace CniPlugins.Ipam;

/// <summary>
/// Both families in one number line: an IPv6 address is its 128 bits, an IPv4 address lies in ::ffff:0:0/96, where the
/// IPv4-mapped addresses are. So a mapped address and its IPv4 form are one number, as they are one address in Go.
/// </summary>
public static class AddressMath
{
    private static UInt128 Mapped => new(0, 0xFFFF_0000_0000);

    /// <summary>The number of an address. A zone (<c>%eth0</c>) is not part of it.</summary>
    public static UInt128 ToNumber(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return length == 4 ? FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes)) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>The address of a number.</summary>
    public static IPAddress ToAddress(UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(IsIPv4(number) ? bytes[12..] : bytes);
    }

    /// <summary>Whether a number is an IPv4 address.</summary>
    public static bool IsIPv4(UInt128 number) => number >> 32 == Mapped >> 32;

    /// <summary>IPv4-mapped addresses as IPv4, everything else as it is.</summary>
    public static IPAddress Normalise(IPAddress address) => ToAddress(ToNumber(address));

    /// <summary>Bits of an address of the family: 32 or 128.</summary>
    public static int Bits(AddressFamily family) => family == AddressFamily.InterNetwork ? 32 : 128;

    internal static UInt128 FromIPv4(uint bits) => Mapped | bits;

    /// <summary>The bits of a prefix that number its addresses: ones below the prefix length.</summary>
    internal static UInt128 HostMask(int prefixLength, int familyBits)
    {
        int hostBits = familyBits - prefixLength;
        return hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1;
    }
}
