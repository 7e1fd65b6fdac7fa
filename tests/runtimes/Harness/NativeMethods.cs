using System.Runtime.InteropServices;

namespace CniPlugins.RuntimeTests.Harness;

/// <summary>rmdir(2) as it is: Directory.Delete looks into the directory first, and a control group never looks empty.</summary>
internal static class NativeMethods
{
    internal static bool TryRemoveDirectory(string path) => rmdir(path) == 0 || !Directory.Exists(path);

    [DllImport("libc.so.6", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int rmdir(string path);
}
