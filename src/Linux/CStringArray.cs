using System.Runtime.InteropServices;
using System.Text;

namespace CniPlugins.Linux;

/// <summary>A NULL-terminated array of C strings, as execve(2) takes them.</summary>
internal sealed unsafe class CStringArray : IDisposable
{
    private void* _block;

    internal CStringArray(IReadOnlyCollection<string> strings)
    {
        int size = (strings.Count + 1) * sizeof(byte*);
        foreach (string text in strings)
        {
            size += Encoding.UTF8.GetByteCount(text) + 1;
        }

        _block = NativeMemory.Alloc((nuint)size);
        byte* at = (byte*)_block + ((strings.Count + 1) * sizeof(byte*));
        int i = 0;
        foreach (string text in strings)
        {
            Pointer[i++] = at;
            int length = Encoding.UTF8.GetBytes(text, new Span<byte>(at, Encoding.UTF8.GetByteCount(text)));
            at[length] = 0;
            at += length + 1;
        }

        Pointer[i] = null;
    }

    internal byte** Pointer => (byte**)_block;

    public void Dispose()
    {
        NativeMemory.Free(_block);
        _block = null;
    }
}
