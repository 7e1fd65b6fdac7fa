using System.Collections;
using System.Text;
using CniPlugins.Linux;

namespace CniPlugins.Cni;

/// <summary>What a process is given: variables and the three standard streams. Tests make their own.</summary>
public sealed class CniEnvironment
{
    /// <summary>Takes the variables and streams.</summary>
    public CniEnvironment(IReadOnlyDictionary<string, string> variables, Stream input, Stream output, Stream error)
    {
        Variables = variables;
        Input = input;
        Output = output;
        Error = error;
    }

    /// <summary>Every variable, which delegates inherit.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; }

    /// <summary>Standard input.</summary>
    public Stream Input { get; }

    /// <summary>Standard output.</summary>
    public Stream Output { get; }

    /// <summary>Standard error.</summary>
    public Stream Error { get; }

    /// <summary>The process's own. A standard descriptor that is closed becomes /dev/null, so that no socket gets its number.</summary>
    public static CniEnvironment FromProcess()
    {
        StandardStreams.Ensure();
        Dictionary<string, string> variables = new(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return new CniEnvironment(variables, StandardStreams.Input, StandardStreams.Output, StandardStreams.Error);
    }

    /// <summary>A variable's value; null when it is not set, or empty: libcni sets all six variables for every verb.</summary>
    public string? Find(string name) => Variables.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;

    /// <summary>Writes one line to standard error.</summary>
    public void Warn(string message)
    {
        StringBuilder line = new(message.Length + 1);
        foreach (char c in message)
        {
            // One line per warning, and no escape sequences from a configuration on an operator's terminal.
            line.Append(char.IsControl(c) ? ' ' : c);
        }

        WriteError(line.Append('\n').ToString());
    }

    internal void WriteError(string text) => WriteError(Encoding.UTF8.GetBytes(text));

    internal void WriteError(ReadOnlySpan<byte> text)
    {
        try
        {
            Error.Write(text);
            Error.Flush();
        }
        catch (IOException)
        {
            // A log that nobody reads any more is no reason to fail the call.
        }
    }
}
