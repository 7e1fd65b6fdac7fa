using System.Runtime.CompilerServices;
using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink;

/// <summary>
/// Requests and their answers on one socket, strictly one after the other: the kernel has answered by the time the send returns.
/// Sequence numbers, acknowledgements, multipart answers, interrupted dumps and errors are dealt with here and nowhere else.
/// </summary>
public partial class NetlinkConnection : IDisposable
{
    private const int HeaderLength = 16;
    private const int DumpAttempts = 8;

    // Old answers, and datagrams of other processes, between a request and its answer. Whoever has CAP_NET_ADMIN in this namespace can
    // send us any number of them; a container may have it.
    private const int MostStrays = 1000;

    private readonly INetlinkSocket _socket;
    private readonly IAttributeNames _names;

    // Not zeroed: that would fetch six pages from the kernel, of which one or two are used.
    private readonly byte[] _request = GC.AllocateUninitializedArray<byte>(8 * 1024);
    private byte[] _reply = GC.AllocateUninitializedArray<byte>(16 * 1024);
    private uint _sequence;

    /// <summary>Takes over the socket.</summary>
    protected NetlinkConnection(INetlinkSocket socket, IAttributeNames names)
    {
        _socket = socket;
        _names = names;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The next unused sequence number.</summary>
    protected uint NextSequence() => ReserveSequences(1);

    /// <summary>The first of as many unused sequence numbers.</summary>
    protected uint ReserveSequences(int count)
    {
        uint first = unchecked(_sequence + 1);
        _sequence = unchecked(_sequence + (uint)count);
        return first;
    }

    /// <summary>Begins a request; one at a time.</summary>
    protected NetlinkMessage<TAttribute> Request<THeader, TAttribute>(ushort type, NLM_F flags, THeader header)
        where THeader : unmanaged
        where TAttribute : unmanaged, Enum
    {
        NLM_F answer = (flags & NLM_F.DUMP) == NLM_F.DUMP && !IsChange(flags) ? 0 : NLM_F.ACK;
        return NetlinkMessage<TAttribute>.Begin(_request, type, flags | answer, NextSequence(), header);
    }

    /// <summary>Sends the request and waits for the acknowledgement.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    protected void Execute<TAttribute>(NetlinkMessage<TAttribute> request, string subject)
        where TAttribute : unmanaged, Enum
    {
        if (Exchange<object>(request.Seal(), request.Sequence, null, null) is KernelError error)
        {
            throw Refused(error, request, subject);
        }
    }

    /// <summary>Sends the request; false when the kernel answers with one of the errnos that mean there is no such thing.</summary>
    /// <exception cref="NetlinkException">The kernel refused for another reason.</exception>
    protected bool TryExecute<TAttribute>(NetlinkMessage<TAttribute> request, string subject, params ReadOnlySpan<Errno> absent)
        where TAttribute : unmanaged, Enum
    {
        if (Exchange<object>(request.Seal(), request.Sequence, null, null) is not KernelError error)
        {
            return true;
        }

        return absent.Contains(error.Errno) ? false : throw Refused(error, request, subject);
    }

    /// <summary>Sends the request and parses its one answer; null when the kernel answers ENODEV or ENOENT.</summary>
    /// <exception cref="NetlinkException">The kernel refused for another reason.</exception>
    protected T? Find<TAttribute, T>(NetlinkMessage<TAttribute> request, ReplyParser<T> parser, string subject)
        where TAttribute : unmanaged, Enum
        where T : class
    {
        List<T> answers = new(1);
        if (Exchange(request.Seal(), request.Sequence, parser, answers) is not KernelError error)
        {
            return answers.Count == 0 ? null : answers[0];
        }

        return error.Errno is Errno.ENODEV or Errno.ENOENT ? null : throw Refused(error, request, subject);
    }

    /// <summary>
    /// Sends a dump request and collects its answers. A dump that the kernel marks as inconsistent (NLM_F_DUMP_INTR: the table changed
    /// meanwhile) is asked for again.
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refused, or the table never stood still (EAGAIN).</exception>
    protected IReadOnlyList<T> Dump<TAttribute, T>(NetlinkMessage<TAttribute> request, ReplyParser<T> parser, string subject)
        where TAttribute : unmanaged, Enum
        where T : class
    {
        KernelError? error = null;
        for (int attempt = 0; attempt < DumpAttempts; attempt++)
        {
            List<T> answers = [];
            error = Exchange(request.Seal(), request.Sequence, parser, answers);
            if (error is null)
            {
                return answers;
            }

            if (error.Errno != Errno.EAGAIN)
            {
                break;
            }
        }

        throw Refused(error!, request, subject);
    }

    /// <summary>Sends bytes that are more than one request: an nf_tables batch.</summary>
    protected void Send(ReadOnlySpan<byte> datagram) => _socket.Send(datagram);

    /// <summary>How long a receive waits before it fails with EAGAIN.</summary>
    protected void SetReceiveTimeout(TimeSpan timeout) => _socket.SetReceiveTimeout(timeout);

    /// <summary>Notes a datagram that held no answer; there is an end to how many are passed over.</summary>
    /// <exception cref="NetlinkFormatException">The end is reached.</exception>
    protected static void CountStray(ref int strays)
    {
        if (++strays > MostStrays)
        {
            throw new NetlinkFormatException($"no answer among {MostStrays} netlink datagrams");
        }
    }

    /// <summary>Receives one datagram; the span is valid until the next call. Empty for one that is not the kernel's.</summary>
    /// <exception cref="LinuxException">EAGAIN after the receive timeout; ENOBUFS when the kernel dropped messages.</exception>
    /// <exception cref="NetlinkFormatException">The datagram was cut off.</exception>
    protected ReadOnlySpan<byte> Receive()
    {
        int length = _socket.Peek();
        if (length > _reply.Length)
        {
            _reply = GC.AllocateUninitializedArray<byte>(MessageBuffer.Align(length));
        }

        return ReceiveShort();
    }

    /// <summary>Takes the first message off a datagram.</summary>
    /// <exception cref="NetlinkFormatException">A length that is shorter than a header or points past the end.</exception>
    protected static NetlinkReply Next(ref ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < HeaderLength)
        {
            throw new NetlinkFormatException($"a netlink datagram with {datagram.Length} bytes after its last message");
        }

        NlMsgHdr header = Unsafe.ReadUnaligned<NlMsgHdr>(in datagram[0]);
        if (header.Length < HeaderLength || header.Length > datagram.Length)
        {
            throw new NetlinkFormatException($"a netlink message of {header.Length} bytes where {datagram.Length} are left");
        }

        NetlinkReply reply = new(header, datagram[HeaderLength..(int)header.Length]);
        datagram = datagram[Math.Min(MessageBuffer.Align((int)header.Length), datagram.Length)..];
        return reply;
    }

    /// <summary>An exception that names the message, the subject and, if the kernel told, the attribute.</summary>
    private protected NetlinkException Refused(KernelError error, ReadOnlySpan<byte> request, ushort messageType, string subject) =>
        new(error.Errno, $"{_names.MessageName(messageType)} {subject}", error.Message, error.AttributePath(request, messageType, _names));

    private NetlinkException Refused<TAttribute>(KernelError error, NetlinkMessage<TAttribute> request, string subject)
        where TAttribute : unmanaged, Enum => Refused(error, request.Seal(), request.Header.Type, subject);

    // NLM_F_DUMP shares its bits with REPLACE and EXCL, which only requests that change something carry, with CREATE.
    private static bool IsChange(NLM_F flags) => (flags & NLM_F.CREATE) != 0;

    private KernelError? Exchange<T>(ReadOnlySpan<byte> request, uint sequence, ReplyParser<T>? parser, List<T>? answers)
        where T : class
    {
        _socket.Send(request);
        bool interrupted = false;
        int strays = 0;
        while (true)
        {
            ReadOnlySpan<byte> datagram = Receive();
            bool stray = true;
            while (!datagram.IsEmpty)
            {
                NetlinkReply reply = Next(ref datagram);
                if (reply.Header.Sequence != sequence)
                {
                    continue;
                }

                stray = false;
                interrupted |= ((NLM_F)reply.Header.Flags & NLM_F.DUMP_INTR) != 0 && reply.Header.Type != (ushort)NLMSG.ERROR;
                switch ((NLMSG)reply.Header.Type)
                {
                    case NLMSG.ERROR:
                        return KernelError.Parse(reply);
                    case NLMSG.DONE:
                        return KernelError.ParseDone(reply) ?? (interrupted ? Interrupted() : null);
                    case NLMSG.NOOP:
                        break;
                    case NLMSG.OVERRUN:
                        throw new NetlinkFormatException("the kernel says that data was lost (NLMSG_OVERRUN)");
                    default:
                        if (parser?.Invoke(reply) is T value)
                        {
                            answers!.Add(value);
                        }

                        break;
                }
            }

            if (stray)
            {
                CountStray(ref strays);
            }
        }
    }

    private static KernelError Interrupted() => new(Errno.EAGAIN, "the table changed during each attempt to list it", null);
}
