using System.Text;
using CniPlugins.Netlink;

namespace CniPlugins.Nftables;

/// <summary>
/// Comments in userdata as the <c>nft</c> tool writes them: type (u8), length with NUL (u8), text with NUL; libnftnl include/libnftnl/udata.h.
/// Tables, rules and set elements all give their comment the type 0.
/// </summary>
internal static class NftComment
{
    private const int MaximumText = 127;   // nft reads no longer ones: NFTNL_UDATA_COMMENT_MAXLEN

    public static void Write<TAttribute>(AttributeWriter<TAttribute> writer, TAttribute type, string comment)
        where TAttribute : unmanaged, Enum
    {
        Span<byte> userData = stackalloc byte[2 + MaximumText + 1];
        Encoding.UTF8.GetEncoder().Convert(comment, userData.Slice(2, MaximumText), flush: true, out _, out int length, out _);
        userData[0] = 0;
        userData[1] = (byte)(length + 1);
        userData[2 + length] = 0;
        writer.PutBytes(type, userData[..(3 + length)]);
    }

    public static string Cut(string comment)
    {
        Span<byte> text = stackalloc byte[MaximumText];
        Encoding.UTF8.GetEncoder().Convert(comment, text, flush: true, out _, out int length, out _);
        return Encoding.UTF8.GetString(text[..length]);
    }

    public static string? Read(ReadOnlySpan<byte> userData)
    {
        while (userData.Length >= 2)
        {
            int length = userData[1];
            if (userData.Length < 2 + length)
            {
                return null;
            }

            if (userData[0] == 0)
            {
                return Encoding.UTF8.GetString(userData.Slice(2, length)).TrimEnd('\0');
            }

            userData = userData[(2 + length)..];
        }

        return null;
    }
}
