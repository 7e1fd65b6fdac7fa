using CniPlugins.Linux;
using CniPlugins.Netlink;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.UnitTests.Netlink;

/// <summary>
/// Plays the kernel: keeps what is sent, and answers each send with what the script makes of it. When nothing is left, a receive fails as
/// it does when its time is up.
/// </summary>
internal sealed class ScriptedSocket(Func<byte[], IEnumerable<ScriptedSocket.Datagram>> script) : INetlinkSocket, INetlinkSockets
{
    private readonly Queue<Datagram> _queue = new();

    /// <summary>Acknowledges everything.</summary>
    public ScriptedSocket()
        : this(static request => [Wire.Ack(request)])
    {
    }

    public List<byte[]> Sent { get; } = [];

    public TimeSpan? Timeout { get; private set; }

    public INetlinkSocket Open(NETLINK protocol) => this;

    public void Send(ReadOnlySpan<byte> datagram)
    {
        Sent.Add(datagram.ToArray());
        foreach (Datagram answer in script(Sent[^1]))
        {
            _queue.Enqueue(answer);
        }
    }

    public int Peek()
    {
        if (!_queue.TryPeek(out Datagram? next))
        {
            throw new LinuxException("recv", null, Errno.EAGAIN);
        }

        if (next.Error != Errno.None)
        {
            _queue.Dequeue();
            throw new LinuxException("recv", null, next.Error);
        }

        return next.Peeked ?? next.Bytes.Length;
    }

    public int Receive(Span<byte> buffer)
    {
        Datagram next = _queue.Dequeue();
        next.Bytes.AsSpan(0, Math.Min(buffer.Length, next.Bytes.Length)).CopyTo(buffer);
        return next.Foreign ? 0 : next.Bytes.Length;
    }

    public void SetReceiveTimeout(TimeSpan timeout) => Timeout = timeout;

    public void Join(RTNLGRP group)
    {
        // There are no announcements but those of the script.
    }

    public void Dispose()
    {
        // Nothing is held.
    }

    /// <summary>A datagram, or an error in place of one.</summary>
    internal sealed record Datagram(byte[] Bytes)
    {
        public bool Foreign { get; init; }

        public int? Peeked { get; init; }

        public Errno Error { get; init; }

        public static implicit operator Datagram(byte[] bytes) => new(bytes);
    }
}
