using System.Text;

namespace CniPlugins.FuzzTests;

/// <summary>Breaks texts at random, repeatably: the same seed gives the same texts.</summary>
internal sealed class CniMutator
{
    private static readonly string[] s_tokens =
    [
        "{", "}", "[", "]", ",", ":", "null", "true", "false", "0", "-1", "1e999", "1.5", "99999999999999999999", "\"\"", "\"\\ud800\"",
        "\\udfff", "\\", "\"", "\n", "\0", "\"cniVersion\":\"0.2.0\",", "\"prevResult\":", "\"name\":\"..\",", "[[[[[[[[", "{\"a\":{\"a\":",
        "10.0.0.1/33", "::ffff:1.2.3.4/24", "fe80::1%lo/64", "/", ";", "=", "IgnoreUnknown=", "1.1.0", "9.9.9", "é", "\U0001F600",
    ];

    private readonly Random _random;

    public CniMutator(int seed) => _random = new Random(seed);

    public string Pick(string[] corpus) => corpus[_random.Next(corpus.Length)];

    public byte[] Mutate(string text)
    {
        List<byte> bytes = [.. Encoding.UTF8.GetBytes(text)];
        for (int i = _random.Next(6); i >= 0; i--)
        {
            MutateOnce(bytes);
        }

        return [.. bytes];
    }

    private void MutateOnce(List<byte> bytes)
    {
        int at = _random.Next(bytes.Count + 1);
        int length = Math.Min(_random.Next(1, 24), bytes.Count - at);
        switch (_random.Next(6))
        {
            case 0:
                bytes.RemoveRange(at, length);
                break;
            case 1:
                bytes.InsertRange(at, Encoding.UTF8.GetBytes(s_tokens[_random.Next(s_tokens.Length)]));
                break;
            case 2:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 3:
                bytes.Insert(at, (byte)_random.Next(256));
                break;
            case 4 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            default:
                bytes.RemoveRange(at, length);
                bytes.InsertRange(at, Encoding.UTF8.GetBytes(s_tokens[_random.Next(s_tokens.Length)]));
                break;
        }
    }
}
