namespace CniPlugins.RuntimeTests.Harness;

/// <summary>Waits for what another process is about to do.</summary>
internal static class Wait
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks until the answer is yes; fails with what was waited for.</summary>
    internal static void Until(string what, Func<bool> isSo)
    {
        DateTime end = DateTime.UtcNow + s_limit;
        while (!isSo())
        {
            Assert.True(DateTime.UtcNow < end, $"waited {s_limit.TotalSeconds} s in vain until {what}");
            Thread.Sleep(s_pause);
        }
    }
}
