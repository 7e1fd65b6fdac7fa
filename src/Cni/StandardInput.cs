namespace CniPlugins.Cni;

/// <summary>Reads a configuration from a stream that is not trusted to end.</summary>
internal static class StandardInput
{
    private const int Megabyte = 1 << 20;

    /// <summary>How much a verb takes: GC lists every container of the host.</summary>
    internal static int Limit(CniVerb verb) => (verb == CniVerb.Gc ? 64 : 4) * Megabyte;

    /// <summary>Reads to the end, or to one byte past the limit.</summary>
    /// <exception cref="CniException">Reading failed (5), or there is more than the limit (6).</exception>
    internal static ReadOnlyMemory<byte> ReadAll(Stream input, int limit)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(16 * 1024);
        int length = 0;
        while (true)
        {
            int count = Read(input, buffer.AsSpan(length));
            length += count;
            if (count == 0)
            {
                return buffer.AsMemory(0, length);
            }

            if (length > limit)
            {
                throw new CniException(
                    CniErrorCode.DecodingFailure, $"the network configuration is larger than {limit / Megabyte} MiB: send a smaller one");
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, Math.Min(buffer.Length * 4, limit + 1));
            }
        }
    }

    private static int Read(Stream input, Span<byte> buffer)
    {
        try
        {
            return input.Read(buffer);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            throw new CniException(
                CniErrorCode.IoFailure,
                "cannot read the network configuration from standard input: the runtime must write it there and close it",
                e.Message, e);
        }
    }
}
