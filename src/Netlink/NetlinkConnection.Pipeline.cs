using CniPlugins.Linux;
using CniPlugins.Netlink.Uapi;

namespace CniPlugins.Netlink;

/// <content>Many questions at once: to wait for each answer before the next is asked costs three system calls a question.</content>
public partial class NetlinkConnection
{
    private const int LargestQuestion = 1024;

    // Their answers wait in the receive buffer, each of a good 1 KiB however short: as many as fit where it may not be made larger.
    private const int QuestionsAtOnce = 256;

    /// <summary>Writes one of many questions into the buffer, with the sequence number; returns its length.</summary>
    protected delegate int QuestionWriter(int index, Span<byte> buffer, uint sequence);

    /// <summary>
    /// Asks questions that have one answer each, or ENOENT for none; they do not ask for an acknowledgement. What they are about may change from one to
    /// the next.
    /// </summary>
    /// <param name="count">How many.</param>
    /// <param name="write">Writes each of them.</param>
    /// <param name="parser">Reads an answer.</param>
    /// <param name="subject">What they are about.</param>
    /// <returns>The answers, null where there is none.</returns>
    /// <exception cref="NetlinkException">The kernel refused for another reason.</exception>
    protected T?[] FindEach<T>(int count, QuestionWriter write, ReplyParser<T> parser, string subject)
        where T : class
    {
        T?[] answers = new T?[count];
        byte[] questions = GC.AllocateUninitializedArray<byte>(QuestionsAtOnce * LargestQuestion / 4);
        int most = QuestionsAtOnce;
        for (int start = 0; start < count;)
        {
            int asked = 0;
            int length = 0;
            uint first = unchecked(_sequence + 1);
            while (asked < most && start + asked < count && questions.Length - length >= LargestQuestion)
            {
                length += write(start + asked++, questions.AsSpan(length, LargestQuestion), NextSequence());
            }

            try
            {
                _socket.Send(questions.AsSpan(0, length));
                ReadEach(answers.AsSpan(start, asked), first, parser, subject);
                start += asked;
            }
            catch (LinuxException e) when (e.Errno == Errno.ENOBUFS && asked > 1)
            {
                most = asked / 2;   // the receive buffer is smaller than thought; what is still in it has an old number
            }
        }

        return answers;
    }

    private void ReadEach<T>(Span<T?> answers, uint first, ReplyParser<T> parser, string subject)
        where T : class
    {
        int strays = 0;
        for (int read = 0; read < answers.Length;)
        {
            ReadOnlySpan<byte> datagram = ReceiveShort();
            bool stray = true;
            while (!datagram.IsEmpty)
            {
                NetlinkReply reply = Next(ref datagram);
                uint index = unchecked(reply.Header.Sequence - first);
                if (index >= (uint)answers.Length)
                {
                    continue;
                }

                stray = false;
                read++;
                if ((NLMSG)reply.Header.Type != NLMSG.ERROR)
                {
                    answers[(int)index] = parser(reply);
                }
                else if (KernelError.Parse(reply) is KernelError error && error.Errno != Errno.ENOENT)
                {
                    throw new NetlinkException(error.Errno, subject, error.Message, null);
                }
            }

            if (stray)
            {
                CountStray(ref strays);
            }
        }
    }

    /// <summary>A datagram of one element or one error, which needs no look at its length first.</summary>
    private ReadOnlySpan<byte> ReceiveShort()
    {
        int received = _socket.Receive(_reply);
        return received <= _reply.Length
            ? _reply.AsSpan(0, received)
            : throw new NetlinkFormatException($"a netlink datagram of {received} bytes was cut off at {_reply.Length}");
    }
}
