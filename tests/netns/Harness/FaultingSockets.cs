using System.Runtime.InteropServices;
using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>Sockets to the real kernel that count requests, and answer the one chosen themselves: with an error, without asking the kernel.</summary>
public sealed class FaultingSockets(int failing, Errno errno) : INetlinkSockets
{
    private readonly int _failing = failing;
    private readonly Errno _errno = errno;
    private int _requests;

    /// <summary>How many requests were made.</summary>
    public int Requests => _requests;

    /// <inheritdoc/>
    public INetlinkSocket Open(NETLINK protocol) => new Socket(this, NetlinkSocket.Kernel.Open(protocol));

    private sealed class Socket(FaultingSockets owner, INetlinkSocket kernel) : INetlinkSocket
    {
        private byte[]? _answer;

        public void Send(ReadOnlySpan<byte> datagram)
        {
            if (Interlocked.Increment(ref owner._requests) == owner._failing)
            {
                _answer = Refusal(MemoryMarshal.Read<NlMsgHdr>(datagram), owner._errno);
            }
            else
            {
                kernel.Send(datagram);
            }
        }

        public int Peek() => _answer?.Length ?? kernel.Peek();

        public int Receive(Span<byte> buffer)
        {
            if (_answer is not byte[] answer)
            {
                return kernel.Receive(buffer);
            }

            answer.CopyTo(buffer);
            _answer = null;
            return answer.Length;
        }

        public void SetReceiveTimeout(TimeSpan timeout) => kernel.SetReceiveTimeout(timeout);

        public void Join(RTNLGRP group) => kernel.Join(group);

        public void Dispose() => kernel.Dispose();

        /// <summary>NLMSG_ERROR with the errno and the header of the request that it answers (struct nlmsgerr).</summary>
        private static byte[] Refusal(NlMsgHdr request, Errno errno)
        {
            byte[] answer = new byte[36];
            MemoryMarshal.Write(answer, new NlMsgHdr { Length = 36, Type = (ushort)NLMSG.ERROR, Sequence = request.Sequence });
            MemoryMarshal.Write(answer.AsSpan(16), -(int)errno);
            MemoryMarshal.Write(answer.AsSpan(20), request);
            return answer;
        }
    }
}
