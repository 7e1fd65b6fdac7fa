using System.Runtime.ExceptionServices;
using static Tmds.Linux.LibC;

namespace CniPlugins.Linux;

/// <summary>A network namespace that lasts as long as one action: for trying out what the kernel can do, without touching anything.</summary>
public static class ScratchNamespace
{
    /// <summary>Runs the action in a new namespace, on a thread of its own that ends with it. What the action throws is thrown here.</summary>
    /// <exception cref="LinuxException">unshare(2) refused.</exception>
    public static void Run(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                if (unshare(CLONE_NEWNET) != 0)
                {
                    throw new LinuxException("unshare", "CLONE_NEWNET", LinuxException.Last);
                }

                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }
}
