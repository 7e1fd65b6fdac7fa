using CniPlugins.Cni;

namespace CniPlugins.Attachments;

/// <summary>Runs every step, whatever becomes of the others, and reports all failures at the end.</summary>
public sealed class Teardown
{
    private readonly List<(string Step, Exception Error)> _failures = [];

    /// <summary>Whether a step failed.</summary>
    public bool Failed => _failures.Count > 0;

    /// <summary>Runs a step. <paramref name="step"/> completes "could not …".</summary>
    public void Try(string step, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            _failures.Add((step, e));   // not lost: thrown by Finish
        }
    }

    /// <summary>Throws if a step failed: its own error if there is just one, else all of them.</summary>
    /// <exception cref="CniException">A step failed.</exception>
    public void Finish()
    {
        if (_failures.Count == 0)
        {
            return;
        }

        string message = string.Join("; ", _failures.ConvertAll(static failure => $"could not {failure.Step}: {failure.Error.Message}"));
        CniException? known = _failures[0].Error as CniException;
        throw new CniException(known?.Code ?? CniErrorCode.IoFailure, $"{message}; run DEL again", known?.Details, _failures[0].Error);
    }
}
