namespace CniPlugins.Bench;

/// <summary>
/// What a call cost: time from spawn to reap, processor time of it and of all that it waited for (user and system), and the peak of the largest
/// process among them.
/// </summary>
internal readonly record struct Measurement(double WallMs, double CpuMs, double MemoryMiB)
{
    /// <summary>One call after another.</summary>
    public static Measurement operator +(Measurement first, Measurement second) =>
        new(first.WallMs + second.WallMs, first.CpuMs + second.CpuMs, Math.Max(first.MemoryMiB, second.MemoryMiB));
}
