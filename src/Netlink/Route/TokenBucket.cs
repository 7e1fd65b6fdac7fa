namespace CniPlugins.Netlink.Route;

/// <summary>Settings of a token bucket filter: so many bytes at once, and then at a rate. Kernel: net/sched/sch_tbf.c.</summary>
/// <param name="Rate">Bytes per second.</param>
/// <param name="Burst">Bytes that may leave at once. The kernel keeps the time that they take at the rate instead, and so may be off by a few.</param>
/// <param name="Limit">Bytes that may wait.</param>
public sealed record TokenBucket(ulong Rate, uint Burst, uint Limit)
{
    private const int TickShift = 6;   // PSCHED_SHIFT, include/net/pkt_sched.h: a tick is 64 ns

    /// <summary>A bucket in which no byte waits longer than the latency; what would not fit into the kernel's numbers is cut.</summary>
    public static TokenBucket WithLatency(ulong rate, uint burst, TimeSpan latency)
    {
        UInt128 waiting = (UInt128)rate * (ulong)latency.Ticks / (ulong)TimeSpan.TicksPerSecond;
        return new TokenBucket(rate, burst, uint.CreateSaturating(waiting + burst));
    }

    /// <summary>
    /// Whether a bucket that was read back is this one, by the kernel's own precision. A burst that takes longer than 32 bits of ticks tell (275 s) cannot be
    /// read back, and so is not compared.
    /// </summary>
    public bool IsSame(TokenBucket other) =>
        Rate == other.Rate && Limit == other.Limit
        && (BurstTicks == uint.MaxValue || Math.Abs((double)Burst - other.Burst) <= Math.Max(Burst / 1000.0, (Rate * 1e-9 * 128) + 1));

    /// <summary>The time the burst takes, in ticks; what is more than 32 bits hold is cut.</summary>
    internal uint BurstTicks => uint.CreateSaturating((UInt128)Burst * 1_000_000_000 / Math.Max(Rate, 1) >> TickShift);

    /// <summary>As many bytes as pass in so many ticks.</summary>
    internal static uint BurstOf(ulong rate, uint ticks) => uint.CreateSaturating(((UInt128)ticks << TickShift) * rate / 1_000_000_000);
}
