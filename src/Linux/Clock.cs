namespace CniPlugins.Linux;

/// <summary>Time, for waits that have no event to wait for.</summary>
public static class Clock
{
    /// <summary>Lets time pass. Only for what nobody announces, such as the end of another process's write to a file.</summary>
    public static void Pause(TimeSpan time) => Polling.Pause((int)time.TotalMilliseconds);
}
