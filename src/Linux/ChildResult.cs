namespace CniPlugins.Linux;

/// <summary>How a child ended and what it wrote.</summary>
public sealed class ChildResult
{
    internal ChildResult(int waitStatus, ReadOnlyMemory<byte> output, string errorText, bool outputExceeded)
    {
        Signal = waitStatus & 0x7f;
        ExitCode = Signal == 0 ? (waitStatus >> 8) & 0xff : 128 + Signal;
        Output = output;
        ErrorText = errorText;
        OutputExceeded = outputExceeded;
    }

    /// <summary>The exit code; 128 and the signal's number when a signal ended it, as shells have it.</summary>
    public int ExitCode { get; }

    /// <summary>The signal that ended it; 0 for none.</summary>
    public int Signal { get; }

    /// <summary>Standard output.</summary>
    public ReadOnlyMemory<byte> Output { get; }

    /// <summary>The beginning of standard error.</summary>
    public string ErrorText { get; }

    /// <summary>Whether it was killed because it wrote more than allowed.</summary>
    public bool OutputExceeded { get; }
}
