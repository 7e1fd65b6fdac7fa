using System.Diagnostics;
using System.Text;

namespace CniPlugins.NetnsTests.Harness;

/// <summary>Runs programs to their end, within a time limit.</summary>
internal static class Tool
{
    /// <summary>A program that hangs is a failed test, not a hanging run.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <param name="program">An absolute path, or a name that PATH knows.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">Standard input, which is closed after it.</param>
    /// <param name="environment">The whole environment; null inherits the test's own.</param>
    internal static ToolResult Run(
        string program, IReadOnlyList<string> arguments, string input = "", IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = Encoding.Latin1,   // a test may send bytes that are not UTF-8: one char is one byte
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        if (environment is not null)
        {
            start.Environment.Clear();
            foreach ((string name, string value) in environment)
            {
                start.Environment[name] = value;
            }
        }

        return Run(start, Latin1OfUtf8(input));
    }

    private static ToolResult Run(ProcessStartInfo start, string input)
    {
        string commandLine = string.Join(' ', start.ArgumentList.Prepend(start.FileName));
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{commandLine}: did not start");
        string output = "";
        string error = "";

        // Threads of our own: pool threads must not be born on a thread that may sit in a test's namespace.
        Thread[] pumps =
        [
            new(() => output = process.StandardOutput.ReadToEnd()),
            new(() => error = process.StandardError.ReadToEnd()),
            new(() => Feed(process, input)),
        ];
        foreach (Thread pump in pumps)
        {
            pump.IsBackground = true;
            pump.Start();
        }

        if (!process.WaitForExit(s_limit))
        {
            process.Kill();
            throw new TimeoutException($"{commandLine}: still running after {s_limit.TotalSeconds} s\n{error}");
        }

        foreach (Thread pump in pumps)
        {
            // A daemon that it left behind may hold the pipe open: what has been read by then is the answer.
            pump.Join(TimeSpan.FromSeconds(5));
        }

        return new ToolResult(commandLine, process.ExitCode, output, error);
    }

    private static void Feed(Process process, string input)
    {
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading: its answer says whether that was right.
        }
    }

    /// <summary>Text below U+0100 only may be bytes on purpose; anything else is sent as UTF-8.</summary>
    private static string Latin1OfUtf8(string input) =>
        input.All(static c => c < 256) ? input : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(input));
}
