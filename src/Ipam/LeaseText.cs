using System.Text;

namespace CniPlugins.Ipam;

/// <summary>
/// The content of lease files, as the reference writes it: container id, CR LF, interface name, and nothing after it. Its oldest
/// releases wrote the container id alone; such files still belong to every interface of the container.
/// </summary>
internal readonly struct LeaseText
{
    /// <summary>No owner has a longer text; a file that does is nobody's.</summary>
    internal const int Limit = 4096;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _text;
    private readonly int _legacyLength;

    /// <summary>The text for an owner.</summary>
    /// <exception cref="IpamConfigException">It would be longer than a lease file may be.</exception>
    internal LeaseText(LeaseOwner owner)
    {
        string id = owner.ContainerId.Trim();
        _text = Encoding.UTF8.GetBytes(id + "\r\n" + owner.InterfaceName);
        _legacyLength = Encoding.UTF8.GetByteCount(id);
        if (_text.Length >= Limit)
        {
            throw new IpamConfigException($"the container id is {_legacyLength} bytes long; no more than {Limit} fit into a lease");
        }
    }

    /// <summary>What is written.</summary>
    internal ReadOnlySpan<byte> Bytes => _text;

    /// <summary>What the oldest releases would have written.</summary>
    internal ReadOnlySpan<byte> Legacy => _text.AsSpan(0, _legacyLength);

    /// <summary>The content that counts: white space around it does not. Nothing is left of a file whose writer died, or that a power cut left as zeros.</summary>
    internal static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> content) => content.Trim(" \t\r\n\v\f\0"u8);

    /// <summary>Who a trimmed content names; null when it names nobody. The legacy form has no interface name.</summary>
    internal static LeaseOwner? FindOwner(ReadOnlySpan<byte> trimmed)
    {
        string text;
        try
        {
            text = s_strict.GetString(trimmed);
        }
        catch (DecoderFallbackException)
        {
            // Not text, so not written by any release: it belongs to nobody.
            return null;
        }

        int end = text.IndexOf("\r\n", StringComparison.Ordinal);
        string id = end < 0 ? text : text[..end];
        string name = end < 0 ? string.Empty : text[(end + 2)..];
        return id.Length == 0 || id.AsSpan().ContainsAny('\r', '\n') || name.AsSpan().ContainsAny('\r', '\n')
            ? null
            : new LeaseOwner(id, name);
    }
}
