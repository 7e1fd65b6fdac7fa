namespace CniPlugins.Bench;

/// <summary>How a process ended, what it said, and what it cost.</summary>
internal sealed record ProcessOutcome(int Status, string Output, string Error, Measurement Cost)
{
    /// <summary>Whether it exited with 0.</summary>
    public bool Succeeded => Status == 0;
}
