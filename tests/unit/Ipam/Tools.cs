using System.Diagnostics;

namespace CniPlugins.UnitTests.Ipam;

/// <summary>Runs other programs, for what they are better witnesses of than our own code.</summary>
internal static class Tools
{
    public static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }
}
