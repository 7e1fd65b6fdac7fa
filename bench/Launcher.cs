using System.Diagnostics;
using System.Text;

namespace CniPlugins.Bench;

/// <summary>A throwaway host, and the small process in it that starts and reaps what is measured: launcher.c says how the two talk, and why it is there.</summary>
internal sealed class Launcher : IDisposable
{
    private readonly Process _process;
    private readonly BinaryWriter _writer;
    private readonly BinaryReader _reader;

    /// <summary>Makes the host.</summary>
    public Launcher()
    {
        _process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "launcher"))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        _writer = new BinaryWriter(_process.StandardInput.BaseStream);
        _reader = new BinaryReader(_process.StandardOutput.BaseStream);
    }

    /// <summary>The path of the host's network namespace.</summary>
    public string NetworkPath => $"/proc/{_process.Id}/ns/net";

    /// <summary>Makes a network namespace that lives as long as the host; its path.</summary>
    public string MakeNamespace()
    {
        _writer.Write((byte)'N');
        _writer.Flush();
        return $"/proc/{_process.Id}/fd/{_reader.ReadInt32()}";
    }

    /// <summary>Runs a process inside the host.</summary>
    public ProcessOutcome Run(ProcessStart start) => Run([start], out _)[0];

    /// <summary>Runs processes inside the host at the same time; the wall time is from the first start to the last end.</summary>
    public IReadOnlyList<ProcessOutcome> Run(IReadOnlyList<ProcessStart> starts, out double wallMs)
    {
        try
        {
            _writer.Write((byte)'R');
            _writer.Write(starts.Count);
            foreach (ProcessStart start in starts)
            {
                Write(start);
            }

            _writer.Flush();
            wallMs = _reader.ReadInt64() / 1e6;
            return [.. starts.Select(_ => Read())];
        }
        catch (Exception e) when (e is IOException)
        {
            throw new BenchException($"the launcher is gone (a call takes longer than two minutes?): {starts[0].Words[0]}: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _writer.Dispose();
        _process.WaitForExit();
        _reader.Dispose();
        _process.Dispose();
    }

    private void Write(ProcessStart start)
    {
        StringBuilder strings = new();
        foreach (string word in start.Words.Concat(start.Variables.Select(static v => $"{v.Key}={v.Value}")))
        {
            strings.Append(word).Append('\0');
        }

        byte[] block = Encoding.UTF8.GetBytes(strings.ToString());
        byte[] input = Encoding.UTF8.GetBytes(start.Input);
        _writer.Write(start.Words.Count);
        _writer.Write(start.Variables.Count);
        _writer.Write(block.Length);
        _writer.Write(input.Length);
        _writer.Write(block);
        _writer.Write(input);
    }

    private ProcessOutcome Read()
    {
        int status = _reader.ReadInt32();
        double wall = _reader.ReadInt64() / 1e6;
        double cpu = (_reader.ReadInt64() + _reader.ReadInt64()) / 1e3;
        double memory = _reader.ReadInt64() / 1024.0;
        string output = Encoding.UTF8.GetString(_reader.ReadBytes(_reader.ReadInt32()));
        string error = Encoding.UTF8.GetString(_reader.ReadBytes(_reader.ReadInt32()));
        return new ProcessOutcome(status, output, error, new Measurement(wall, cpu, memory));
    }
}
