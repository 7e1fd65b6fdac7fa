using System.Runtime.InteropServices;

namespace CniPlugins.Linux;

/// <summary>A system call failed: which one, on what, and the kernel's reason.</summary>
public sealed class LinuxException : IOException
{
    /// <summary>Names the call, what it was applied to (a path, mostly) and the error number.</summary>
    public LinuxException(string call, string? subject, Errno errno)
        : base(subject is null ? $"{call}: {Describe(errno)}" : $"{call} {subject}: {Describe(errno)}")
    {
        Call = call;
        Subject = subject;
        Errno = errno;
    }

    /// <summary>The system call's name.</summary>
    public string Call { get; }

    /// <summary>What it was applied to, or null.</summary>
    public string? Subject { get; }

    /// <summary>The error number.</summary>
    public Errno Errno { get; }

    /// <summary>The C library's text for an error number, with its name: <c>No such device (ENODEV)</c>.</summary>
    public static string Describe(Errno errno)
    {
        string text = Marshal.GetPInvokeErrorMessage((int)errno);
        return Enum.IsDefined(errno) ? $"{text} ({errno})" : $"{text} (errno {(int)errno})";
    }

    internal static Errno Last => (Errno)Marshal.GetLastPInvokeError();
}
