using System.Text;

namespace CniPlugins.Cni;

/// <summary>
/// The rules for names; what passes is safe as a path component. Hand loops, since a regular expression's <c>$</c> lets a final
/// newline pass.
/// </summary>
public static class CniNames
{
    /// <summary>The kernel's IFNAMSIZ less the final NUL.</summary>
    public const int MaxInterfaceNameBytes = 15;

    /// <summary>A network's name becomes a directory's, within NAME_MAX (255) and with room for a suffix.</summary>
    public const int MaxNetworkNameLength = 240;

    /// <summary>What a container id and a network name may be, for messages.</summary>
    internal const string Rule = "a letter or digit, then letters, digits, '_', '.' or '-'";

    /// <summary>Whether a container id is one.</summary>
    public static bool IsContainerId(string text) => IsIdentifier(text);

    /// <summary>Whether a network name is one.</summary>
    public static bool IsNetworkName(string text) => text.Length <= MaxNetworkNameLength && IsIdentifier(text);

    /// <summary>Whether the kernel (dev_valid_name, net/core/dev.c) and the specification take the text as an interface name.</summary>
    public static bool IsInterfaceName(string text) => FindInterfaceNameFault(text) is null;

    /// <summary>What is wrong with an interface name; null when nothing is.</summary>
    public static string? FindInterfaceNameFault(string text)
    {
        if (text.Length == 0)
        {
            return "it is empty";
        }

        if (text.Length > MaxInterfaceNameBytes || Encoding.UTF8.GetByteCount(text) > MaxInterfaceNameBytes)
        {
            return $"it is longer than {MaxInterfaceNameBytes} bytes";
        }

        if (text is "." or "..")
        {
            return "'.' and '..' are directories";
        }

        if (text.Contains('%'))
        {
            return "the kernel takes '%' for a pattern, and makes another name of it";   // dev_alloc_name, net/core/dev.c
        }

        foreach (char c in text)
        {
            // U+FFFD stands for bytes that were not UTF-8: the kernel would get another name than the runtime gave.
            if (c is '/' or ':' or '\0' or '\uFFFD' || char.IsWhiteSpace(c))
            {
                return "'/', ':', white space and bytes that are not UTF-8 are not allowed in it";
            }
        }

        return null;
    }

    private static bool IsIdentifier(string text)
    {
        if (text.Length == 0 || !char.IsAsciiLetterOrDigit(text[0]))
        {
            return false;
        }

        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-'))
            {
                return false;
            }
        }

        return true;
    }
}
