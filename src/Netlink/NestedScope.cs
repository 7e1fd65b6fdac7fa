using System.Runtime.CompilerServices;

namespace CniPlugins.Netlink;

/// <summary>An open nested attribute; disposing it writes its length.</summary>
public readonly ref struct NestedScope
{
    private readonly Span<byte> _message;
    private readonly int _start;

    internal NestedScope(Span<byte> message, int start)
    {
        _message = message;
        _start = start;
    }

    /// <summary>Closes the scope.</summary>
    public void Dispose()
    {
        Unsafe.WriteUnaligned(ref _message[_start], checked((ushort)(MessageBuffer.Length(_message) - _start)));
        MessageBuffer.CountScope(_message, -1);
    }
}
