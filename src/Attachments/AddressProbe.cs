using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using CniPlugins.Cni;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Route;

namespace CniPlugins.Attachments;

/// <summary>
/// Asks on the link whether another station has an IPv4 address, before it is used (RFC 5227 section 2.1). Three probes, a tenth of a second apart: the RFC's
/// seconds are for links whose switches wake up with the station.
/// </summary>
internal static class AddressProbe
{
    private const ushort Arp = 0x0806;        // ETH_P_ARP, include/uapi/linux/if_ether.h
    private const int FrameLength = 42;       // an Ethernet header of 14 bytes and a packet of RFC 826 for IPv4 of 28
    private const int Probes = 3;

    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_afterLast = TimeSpan.FromMilliseconds(200);

    /// <summary>Throws if somebody answers for one of the addresses. The interface is up, and has none of them yet.</summary>
    /// <exception cref="CniException">An address is in use (11).</exception>
    /// <exception cref="LinuxException">No packet socket to be had.</exception>
    public static void Require(Sandbox sandbox, Link link, IReadOnlyList<IPAddress> addresses)
    {
        if (addresses.Count == 0 || link.Mac is not MacAddress own)
        {
            return;
        }

        using PacketSocket socket = sandbox.Namespace.Run(() => PacketSocket.Open(link.Index.Value, Arp));
        for (int probe = 1; probe <= Probes; probe++)
        {
            foreach (IPAddress address in addresses)
            {
                socket.Send(Probe(own, address));
            }

            Listen(socket, own, addresses, probe == Probes ? s_afterLast : s_interval);
        }
    }

    /// <summary>A request to all: who has the address? It names no sender's address, so that nobody's table changes.</summary>
    private static byte[] Probe(MacAddress own, IPAddress address)
    {
        byte[] frame = new byte[FrameLength];
        Span<byte> ethernet = frame;
        ethernet[..6].Fill(0xff);
        own.WriteTo(ethernet[6..12]);
        BinaryPrimitives.WriteUInt16BigEndian(ethernet[12..], Arp);
        Span<byte> packet = ethernet[14..];
        ((ReadOnlySpan<byte>)[0, 1, 8, 0, 6, 4, 0, 1]).CopyTo(packet);   // Ethernet, IPv4, lengths of their addresses, request
        own.WriteTo(packet[8..14]);
        address.TryWriteBytes(packet[24..28], out _);
        return frame;
    }

    private static void Listen(PacketSocket socket, MacAddress own, IReadOnlyList<IPAddress> addresses, TimeSpan time)
    {
        byte[] frame = new byte[FrameLength];
        for (long start = Stopwatch.GetTimestamp(); socket.TryReceive(frame, time - Stopwatch.GetElapsedTime(start)) is int length;)
        {
            if (length == FrameLength && FindClaim(frame.AsSpan(14), own) is (MacAddress station, IPAddress claimed) && addresses.Contains(claimed))
            {
                throw new CniException(
                    CniErrorCode.TryAgainLater, $"address {claimed} is in use by another station on the link, {station}: free it there, or exclude it here");
            }
        }
    }

    /// <summary>Whose address the packet says it is: the sender's own, or the one that somebody else is probing at the same time as we.</summary>
    private static (MacAddress Station, IPAddress Address)? FindClaim(ReadOnlySpan<byte> packet, MacAddress own)
    {
        MacAddress station = MacAddress.FromBytes(packet[8..14]);
        if (station == own)
        {
            return null;
        }

        IPAddress sender = new(packet[14..18]);
        bool isProbe = sender.Equals(IPAddress.Any) && packet[7] == 1;
        return (station, isProbe ? new IPAddress(packet[24..28]) : sender);
    }
}
