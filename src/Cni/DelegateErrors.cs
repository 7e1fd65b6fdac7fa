using System.Text;
using CniPlugins.Linux;

namespace CniPlugins.Cni;

/// <summary>Turns what a failed delegate left behind into an error that names it.</summary>
internal static class DelegateErrors
{
    private const int MaxExcerpt = 1000;

    internal static CniException Read(string type, CniVerb verb, ChildResult child)
    {
        string how = child.Signal == 0 ? $"exit code {child.ExitCode}" : $"signal {child.Signal}";
        if (child.Output.Span.Trim(" \t\r\n"u8).IsEmpty)
        {
            string log = Shorten(child.ErrorText.Trim());
            return new CniException(
                CniErrorCode.Internal,
                log.Length > 0 ? $"{type}: {log}" : $"{type} failed on {verb.Word()} without a word ({how})",
                how);
        }

        try
        {
            ConfigObject error = ConfigText.ParseObject(child.Output, "its error");
            string message = error.FindString("msg") is { Length: > 0 } text ? text : $"failed on {verb.Word()} without a message ({how})";
            int code = error.FindInt32("code", 0) ?? (int)CniErrorCode.Unknown;
            return new CniException((CniErrorCode)code, $"{type}: {message}", error.FindString("details"));
        }
        catch (CniException e)
        {
            return new CniException(
                CniErrorCode.Internal,
                $"{type} failed on {verb.Word()} ({how}), and what it printed is no CNI error: {e.Message}",
                Excerpt(child), e);
        }
    }

    /// <summary>The beginning of standard output, for details.</summary>
    internal static string Excerpt(ChildResult child)
    {
        ReadOnlySpan<byte> head = child.Output.Span[..Math.Min(child.Output.Length, MaxExcerpt)];
        return Encoding.UTF8.GetString(head);
    }

    private static string Shorten(string text) => text.Length <= MaxExcerpt ? text : text[..MaxExcerpt] + "...";
}
