using System.Buffers.Binary;
using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink;

/// <summary>The sockets of one network namespace, as <c>ss</c> lists them: of the one in which the connection was opened.</summary>
public sealed class SocketTable : NetlinkConnection
{
    // TCP_* of include/net/tcp_states.h: LISTEN, and from 6.8 on BOUND_INACTIVE, a port that is bound and not listened on yet. Other protocols say CLOSE.
    private const uint TcpHolds = (1u << 10) | (1u << 13);
    private const uint SctpHolds = (1u << 10) | (1u << 7);
    private const byte Tcp = 6;
    private const byte Sctp = 132;

    private SocketTable(INetlinkSocket socket)
        : base(socket, Names.Instance)
    {
    }

    /// <summary>Opens a connection in the calling thread's namespace.</summary>
    /// <exception cref="LinuxException">EPROTONOSUPPORT: this kernel does not tell of its sockets.</exception>
    public static SocketTable Open(INetlinkSockets sockets) => new(sockets.Open(NETLINK.SOCK_DIAG));

    /// <summary>
    /// Marks the local ports that sockets hold, on whatever address, of both families: an IPv6 socket may hold IPv4 as well. Connections of TCP and SCTP that
    /// are established, or closing, hold none, however many there are.
    /// </summary>
    /// <param name="protocol">IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP.</param>
    /// <param name="ports">65536 marks.</param>
    /// <exception cref="NetlinkException">ENOENT: this kernel does not tell of such sockets.</exception>
    public void MarkPorts(byte protocol, bool[] ports)
    {
        foreach (byte family in (ReadOnlySpan<byte>)[2, 10])
        {
            NetlinkMessage<INET_DIAG> request = Request<InetDiagReqV2, INET_DIAG>((ushort)SOCK_DIAG.BY_FAMILY, NLM_F.DUMP, new InetDiagReqV2
            {
                Family = family,
                Protocol = protocol,
                States = protocol switch { Tcp => TcpHolds, Sctp => SctpHolds, _ => uint.MaxValue },
            });
            Dump<INET_DIAG, object>(
                request,
                reply =>
                {
                    ports[BinaryPrimitives.ReverseEndianness(reply.HeaderAs<InetDiagMsg>().Id.SourcePort)] = true;
                    return null;
                },
                $"sockets of protocol {protocol}");
        }
    }

    private sealed class Names : IAttributeNames
    {
        public static Names Instance { get; } = new();

        public string MessageName(ushort messageType) => $"SOCK_DIAG_{(SOCK_DIAG)messageType}";

        public int HeaderLength(ushort messageType) => 56;

        public string AttributeName(ushort messageType, string? scope, ushort type, ReadOnlySpan<byte> before, out string? inner)
        {
            inner = null;
            return $"INET_DIAG_{type}";
        }
    }
}
