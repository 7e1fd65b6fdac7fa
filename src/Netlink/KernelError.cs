using System.Runtime.CompilerServices;
using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink;

/// <summary>A refusal as the kernel sent it: <c>struct nlmsgerr</c>, and the extended acknowledgement after it.</summary>
internal sealed record KernelError(Errno Errno, string? Message, int? Offset)
{
    private const int NlMsgHdrLength = 16;

    /// <summary>
    /// Reads NLMSG_ERROR. Null is an acknowledgement. After the errno stands the request's header, and its payload too unless the
    /// kernel capped it (NLM_F_CAPPED); then, with NLM_F_ACK_TLVS, attributes.
    /// </summary>
    public static KernelError? Parse(NetlinkReply reply)
    {
        Errno errno = ErrnoOf(reply);
        if (errno == Errno.None)
        {
            return null;
        }

        NLM_F flags = (NLM_F)reply.Header.Flags;
        int start = 4 + NlMsgHdrLength;
        if ((flags & NLM_F.ACK_TLVS) == 0 || reply.Payload.Length < start)
        {
            return new KernelError(errno, null, null);
        }

        if ((flags & NLM_F.CAPPED) == 0)
        {
            uint requestLength = Unsafe.ReadUnaligned<uint>(in reply.Payload[4]);
            start = (int)Math.Min(reply.Payload.Length, 4 + (long)MessageBuffer.Align((int)Math.Min(requestLength, int.MaxValue / 2)));
        }

        return Extended(errno, reply.Payload[start..]);
    }

    /// <summary>Reads NLMSG_DONE, which may carry an errno: a dump that failed half-way. Null is the ordinary end.</summary>
    public static KernelError? ParseDone(NetlinkReply reply)
    {
        if (reply.Payload.Length < 4)
        {
            return null;
        }

        Errno errno = ErrnoOf(reply);
        return errno == Errno.None ? null : Extended(errno, reply.Payload[4..]);
    }

    /// <summary>
    /// Finds the attribute at an offset of the request we still hold, by walking it. Offsets count from <c>struct nlmsghdr</c>.
    /// </summary>
    public string? AttributePath(ReadOnlySpan<byte> request, ushort messageType, IAttributeNames names)
    {
        if (Offset is not int target)
        {
            return null;
        }

        int start = NlMsgHdrLength + MessageBuffer.Align(names.HeaderLength(messageType));
        return Walk(request, start, request.Length, target, messageType, null, names);
    }

    private static string? Walk(
        ReadOnlySpan<byte> request, int start, int end, int target, ushort messageType, string? scope, IAttributeNames names)
    {
        int first = start;
        while (start + 4 <= end && start <= target)
        {
            int length = Unsafe.ReadUnaligned<ushort>(in request[start]);
            if (length < 4 || start + length > end)
            {
                return null;
            }

            if (target < start + length)
            {
                ushort type = (ushort)(Unsafe.ReadUnaligned<ushort>(in request[start + 2]) & 0x3fff);
                string name = names.AttributeName(messageType, scope, type, request[first..start], out string? inner);
                string? within = target >= start + 4 && inner is not null
                    ? Walk(request, start + 4, start + length, target, messageType, inner, names)
                    : null;
                return within is null ? name : $"{name}/{within}";
            }

            start += MessageBuffer.Align(length);
        }

        return null;
    }

    private static KernelError Extended(Errno errno, ReadOnlySpan<byte> attributes)
    {
        string? message = null;
        int? offset = null;
        try
        {
            foreach (NetlinkAttribute attribute in new AttributeReader(attributes))
            {
                switch (attribute.As<NLMSGERR_ATTR>())
                {
                    case NLMSGERR_ATTR.MSG:
                        message = attribute.GetString();
                        break;
                    case NLMSGERR_ATTR.OFFS:
                        offset = attribute.GetS32();
                        break;
                    default:
                        break;
                }
            }
        }
        catch (NetlinkFormatException)
        {
            // The errno is what counts; an explanation that cannot be read must not hide it.
        }

        return new KernelError(errno, message, offset);
    }

    private static Errno ErrnoOf(NetlinkReply reply)
    {
        if (reply.Payload.Length < 4)
        {
            throw new NetlinkFormatException("a netlink error without its number");
        }

        int error = Unsafe.ReadUnaligned<int>(in reply.Payload[0]);
        return error is <= 0 and > int.MinValue
            ? (Errno)(-error)
            : throw new NetlinkFormatException($"a netlink error with the number {error}");
    }
}
