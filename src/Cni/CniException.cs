namespace CniPlugins.Cni;

/// <summary>A failure as the runtime shall see it: it becomes the error object on standard output.</summary>
public sealed class CniException : Exception
{
    /// <summary>Names the code, a sentence for the operator that says what to change, and the kernel's or parser's own words.</summary>
    public CniException(CniErrorCode code, string message, string? details = null, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        Details = details;
    }

    /// <summary>The error object's <c>code</c>.</summary>
    public CniErrorCode Code { get; }

    /// <summary>The error object's <c>details</c>; null leaves the key out.</summary>
    public string? Details { get; }
}
